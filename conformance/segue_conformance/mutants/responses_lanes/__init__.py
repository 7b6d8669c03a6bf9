"""Faults in the lanes of OpenAI's WebSocket."""
