"""Runs a command of Segue under Python's profiler: `python -m segue_bench.gateway.profiled FILE serve …`.

The profile (of the thread that serves; the store's has its own) is written when the command ends; `python -m pstats`
reads it.
"""

from __future__ import annotations

import cProfile
import sys

from segue.cli import main as command

__all__ = ["main"]


def main() -> None:
    """Run the command whose words follow the name of the file."""
    file, *words = sys.argv[1:]
    sys.argv = ["segue", *words]
    profile = cProfile.Profile()
    profile.enable()
    try:
        command()
    finally:
        profile.disable()
        profile.dump_stats(file)


if __name__ == "__main__":
    main()
