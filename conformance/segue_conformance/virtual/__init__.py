"""A world in memory with a clock of its own: servers and clients in one event loop, no sockets, and no waiting."""
