"""What stands before the metrics and the page: who may ask, by which name, how much, and what every answer has in its head."""
