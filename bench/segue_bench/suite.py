"""How long `segue check` on the reference endpoint and `segue --help` take: whole processes, shortest of several."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

__all__ = ["main", "shortest"]


def shortest(command: list[str], runs: int) -> float:
    """Return the shortest time in seconds that a command took; raises where it fails."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Print the two times, and each as a multiple of starting Python itself on this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    bare = shortest([sys.executable, "-c", "pass"], 10)
    print(f"python -c pass                     {bare * 1000:8.0f} ms     1.0x")
    for what, command, times in (
        ("segue --help", ["--help"], 10),
        ("segue check, all wires, reference", ["check"], runs),
    ):
        took = shortest([sys.executable, "-m", "segue.cli", *command], times)
        print(f"{what:34} {took * 1000:8.0f} ms {took / bare:7.1f}x")


if __name__ == "__main__":
    main()
