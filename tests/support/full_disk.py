"""A disk that is full after some kilobytes."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_disk(folder: Path, *, kilobytes: int = 16) -> Iterator[None]:
    """Mounts a disk of that size on a new folder, and removes both at the end; only root can."""
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=700", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)  # noqa: S603 - our own command line
    try:
        yield
    finally:
        # Lazily: a server that was killed leaves processes that close their files a moment later.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - likewise
        shutil.rmtree(folder)
