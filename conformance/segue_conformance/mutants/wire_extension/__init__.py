"""Faults in the Responses extension: declarations, what `segue` says in events, prefixed messages."""
