"""Turn ticks into orders: strategy proposes, risk answers, signals leave signed."""
