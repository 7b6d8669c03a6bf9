"""Runs the command without the front door: `python -m segue_bindings`."""

from segue_bindings.cli import bindings

if __name__ == "__main__":
    bindings(prog_name="segue bindings")
