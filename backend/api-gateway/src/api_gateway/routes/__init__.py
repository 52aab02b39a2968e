"""The gateway's edges: decode what came in, ask the domain, encode what goes out."""
