"""Faults in OpenAI's WebSocket: the upgrade, lanes' names."""
