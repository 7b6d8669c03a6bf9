"""Who remembers."""
