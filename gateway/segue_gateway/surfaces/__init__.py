"""The wires that the endpoint serves, server side, on one ASGI app."""
