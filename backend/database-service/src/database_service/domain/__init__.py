"""What is decided about data before it is written and about questions before they are asked; pure."""
