"""The terminal's process, the spool, the journal and the socket to the server."""
