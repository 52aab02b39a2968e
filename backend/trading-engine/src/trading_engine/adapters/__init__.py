"""The rim: the bus, files, and the one who carries effects out."""
