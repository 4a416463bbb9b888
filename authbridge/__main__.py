"""``python -m authbridge`` is the command line."""

from authbridge.cli import run

run()
