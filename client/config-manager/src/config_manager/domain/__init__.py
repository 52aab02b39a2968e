"""What can be set on the trader's PC, and how versions follow each other."""
