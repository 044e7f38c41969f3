"""A report as sections of text, tables and pictures, written as Markdown and as one HTML file."""
