"""``python -m headwater``: the `headwater` command."""

from headwater.cli import main

main(prog_name="headwater")
