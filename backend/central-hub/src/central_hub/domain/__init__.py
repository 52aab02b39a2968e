"""What the hub decides, without touching the world: order of start, restarts, who lives, rights on the bus."""
