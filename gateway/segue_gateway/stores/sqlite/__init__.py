"""The store in an SQLite file: what it took survives the process, also one that is killed."""

from .database import check_folder
from .store import SQLiteStore, Unusable

__all__ = ["SQLiteStore", "Unusable", "check_folder"]
