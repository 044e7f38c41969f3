"""The web page of one job: what customers say, how the job is, and what it refused. Reads the store and the metrics alone."""
