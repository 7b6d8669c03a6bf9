"""The scenarios, a file for each kind of fault."""
