"""The wires, sans-IO: bytes and frames in, messages out. A file a wire, both sides in it."""
