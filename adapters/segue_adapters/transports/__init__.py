"""Sockets: what carries a wire."""
