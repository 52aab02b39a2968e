"""Hold one WebSocket per terminal: ticks and executions up, signed signals down."""
