"""Start the four client apps as one program."""
