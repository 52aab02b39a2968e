"""How the hub touches the world: processes, engines, files, sockets."""
