"""The rim: picows sockets, the bus, and what operators look at."""
