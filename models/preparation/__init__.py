"""Data preparation as a step of its own: from a folder of data sets to one that training can read, with a report of what was done."""
