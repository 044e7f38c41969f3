"""A report as one HTML file: page.py puts it together, charts.py draws, words.py speaks."""
