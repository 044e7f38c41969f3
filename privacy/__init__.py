"""What is personal in a text, and what becomes of it before it leaves a worker."""
