"""``deploy/install`` runs this folder with the system's Python."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older one must be told so
    sys.exit("install: Python 3.11 is needed (Debian 12, Debian 13, Ubuntu 24.04).")

_CLONE = Path(__file__).resolve().parents[2]
sys.path[0] = str(_CLONE)  # in place of this folder, whose names are no top-level modules

from authbridge.installation.command import main  # noqa: E402 - found there

sys.exit(main(sys.argv[1:], _CLONE))
