"""Emerging topics: words that rise, those that rise together as one topic, which keeps its identity from window to window."""
