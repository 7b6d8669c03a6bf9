"""The store in an SQLite file: what it took survives the process, also one that is killed."""

from .store import SQLiteStore, Unusable

__all__ = ["SQLiteStore", "Unusable"]
