"""Start, watch and stop the platform; know which services live."""
