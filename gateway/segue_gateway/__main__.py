"""`python -m segue_gateway` is `segue serve`."""

from .cli import serve

serve(prog_name="segue serve")
