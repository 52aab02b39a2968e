"""What the gateway decides: who may ask, what a browser is told, what a command is. Pure and synchronous."""
