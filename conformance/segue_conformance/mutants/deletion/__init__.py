"""Faults in what goes and what stays when a continuation is deleted."""
