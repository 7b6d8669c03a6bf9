"""What can go wrong while bindings are written, each with what to do about it."""

from __future__ import annotations

__all__ = ["BindingsError", "GeneratorFailed", "MissingToolchain", "OutputRefused"]


class BindingsError(Exception):
    """Base of all: the message says what was wrong and what to do."""


class MissingToolchain(BindingsError):
    """A program or package that writes the bindings is not on this machine; `install` says how to get it."""

    def __init__(self, what: str, install: str) -> None:
        """Keep both as attributes; the message names both."""
        super().__init__(f"{what}; install it with\n\n  {install}\n")
        self.what = what
        self.install = install


class GeneratorFailed(BindingsError):
    """A generator ran and failed; `said` is the end of what it wrote."""

    def __init__(self, generator: str, said: str) -> None:
        """Keep both as attributes; of what the generator said the last lines are told."""
        end = "\n".join(said.strip().splitlines()[-12:])
        super().__init__(f"{generator} failed:\n{end}")
        self.generator = generator
        self.said = end


class OutputRefused(BindingsError):
    """The output folder can't be written, or holds files and `--force` was not given."""
