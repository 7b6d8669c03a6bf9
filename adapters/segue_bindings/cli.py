"""The command `segue bindings`. Imports a language's module only when it is asked for, so `--help` is quick."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["bindings"]

# Named here as well as in the languages' modules, which take longer to import; a test compares.
LANGUAGES = ("python", "typescript", "go")
STYLES = ("msgspec", "pydantic", "dataclasses", "typeddict")


@click.command()
@click.argument("language", type=click.Choice(LANGUAGES), metavar="LANGUAGE")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the files; made where it is missing.",
)
@click.option(
    "--style",
    type=click.Choice(STYLES),
    help="Python only: what the models are. Default: msgspec.",
)
@click.option("--package", metavar="NAME", help="Go only: the package's name. Default: segue.")
@click.option("--force", is_flag=True, help="Write into a folder that holds files; what it holds else stays.")
def bindings(language: str, out: Path, style: str | None, package: str | None, force: bool) -> None:
    """Write client bindings for LANGUAGE: types of every message, and a helper that computes digests.

    \b
    python      needs: pip install 'segue-protocol[bindings]'
    typescript  needs Node and npm; the generator is installed into a cache folder at the first run
    go          needs nothing

    They are proved with the examples and vectors of the schemas: docs, "Client bindings".
    """
    from segue_bindings.errors import BindingsError
    from segue_bindings.output import check_folder, write

    if style is not None and language != "python":
        raise click.UsageError(f"--style is Python's; {language} has one style only")
    if package is not None and language != "go":
        raise click.UsageError("--package is Go's; elsewhere the folder's name is the package's")
    try:
        check_folder(out, force)
        files = _generate(language, style or STYLES[0], package or "segue")
        write(out, files)
    except BindingsError as error:
        click.echo(f"segue bindings: {error}", err=True)
        raise SystemExit(2) from None
    click.echo(f"{len(files)} files in {out}: {', '.join(sorted(files))}")


def _generate(language: str, style: str, package: str) -> dict[str, str]:
    if language == "python":
        from segue_bindings import python

        return dict(python.generate(style))
    if language == "typescript":
        from segue_bindings import typescript

        return dict(typescript.generate())
    from segue_bindings import go

    return dict(go.generate(package))
