"""The connector's rules: which ticks are new and sane, what may be traded, and what became of an order."""
