"""Installs npm packages into a cache folder, once for each set of versions, and runs the one that writes TypeScript.

The exact versions of all packages stand in `package-lock.json` with their checksums and without an
address: npm asks the registry that the machine is set up for, and refuses what isn't the package meant.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from segue_bindings.errors import GeneratorFailed, MissingToolchain, OutputRefused

__all__ = ["cache_folder", "installed", "program", "run"]

_HERE = Path(__file__).resolve().parent / "npm"

NODE = "Node 20 or later with npm (Debian: apt-get install nodejs npm; others: your package manager)"


def cache_folder() -> Path:
    """Return the folder where what `segue` downloads is kept: SEGUE_CACHE, or the user's cache folder."""
    named = os.environ.get("SEGUE_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "segue" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue"


def installed(source: Path = _HERE) -> Path:
    """Return a folder with what `source` holds (package.json, its lock) and its packages: from the cache if it can."""
    npm = program("npm")
    files = sorted(path for path in source.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()
    ready = cache_folder() / f"bindings-{digest[:20]}"
    if (ready / "node_modules").is_dir():
        return ready
    try:
        ready.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="bindings-", dir=ready.parent))
    except OSError as error:
        what = f"the cache folder {ready.parent} can't be written ({error.strerror})"
        raise OutputRefused(f"{what}; name another in SEGUE_CACHE") from None
    try:
        for path in files:
            shutil.copy(path, making)
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=making, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise GeneratorFailed("npm ci", done.stderr or done.stdout)
        try:
            making.rename(ready)
        except OSError:
            if not (ready / "node_modules").is_dir():  # another run was quicker: its folder is as good
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return ready


def run(text: str) -> str:
    """Give `generate.mjs` the text and return what it writes."""
    node = program("node")
    folder = installed()
    done = subprocess.run(
        [node, "generate.mjs"], cwd=folder, input=text, capture_output=True, check=False, encoding="utf-8"
    )
    if done.returncode:
        raise GeneratorFailed("json-schema-to-typescript", done.stderr)
    return done.stdout


def program(name: str) -> str:
    """Return the path of `node` or `npm`; raises MissingToolchain where there is none."""
    found = shutil.which(name)
    if found is None:
        raise MissingToolchain(f"TypeScript bindings are written with {name}, which was not found", NODE)
    return found
