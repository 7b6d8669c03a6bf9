"""Faults in Segue's WebSocket: the upgrade, frames, closes."""
