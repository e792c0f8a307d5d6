"""Tools for objects of any system on Kubernetes."""
