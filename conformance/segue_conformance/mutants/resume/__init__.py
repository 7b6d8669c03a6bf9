"""Faults in names, repeats, records and digests."""
