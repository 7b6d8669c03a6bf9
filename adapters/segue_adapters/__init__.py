"""Adapters: wires (sans-IO), transports, and the client."""
