"""``python -m authbridge`` is the command line."""

from authbridge.cli import main

main(prog_name="authbridge")
