"""Faults in what a request on OpenAI's wires is run under."""
