"""Grafana dashboards, and what writes them."""
