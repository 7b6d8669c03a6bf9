"""A small strict endpoint of the OpenAI Responses wires, with switches for what is legal and for what is broken.

It shares no line with the reference endpoint: what the suite says of it, it says of somebody else's server.
"""
