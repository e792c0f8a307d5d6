"""Tools for Spark applications."""
