"""Installs the Debian packages that AuthBridge needs."""

from collections.abc import Iterator
from functools import partial

from authbridge.installation.steps import Installation, SystemAction

PACKAGES = (
    "python3-venv",
    "diffutils",  # diff3 takes our lines out of a file that somebody has changed since
    # What sets letters and PDF.
    "libpango-1.0-0",
    "libpangoft2-1.0-0",
    "libharfbuzz0b",
    "libharfbuzz-subset0",
    "fonts-lato",
    "fonts-dejavu-core",
)


def install(installation: Installation) -> Iterator[SystemAction]:
    """Installs what is missing."""
    if missing := installation.system.missing_packages(PACKAGES):
        yield SystemAction(f"apt-get install {' '.join(missing)}", partial(_install, installation, missing))


def keep(installation: Installation) -> Iterator[SystemAction]:
    """Takes nothing back: other programs may need them by now.  Names them."""
    if names := installation.record.names("packages"):
        installation.todo.append(
            "These Debian packages stay; if nothing else needs them:\n"
            f"apt-get purge --autoremove {' '.join(names)}"
        )
    yield from ()


def _install(installation: Installation, names: list[str]) -> None:
    for name in names:
        installation.record.note("packages", name)
    installation.system.install_packages(names)
