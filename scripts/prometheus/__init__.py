"""Tools that read Prometheus."""
