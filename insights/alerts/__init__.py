"""Alerts: what changed in the stored windows, how surprising that is, and why. Pure functions of the windows."""
