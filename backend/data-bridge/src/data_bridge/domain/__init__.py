"""The conversation with one terminal, without sockets, bus or clock: frames and facts in, effects out."""
