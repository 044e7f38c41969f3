"""What people look at: the live view in a terminal."""
