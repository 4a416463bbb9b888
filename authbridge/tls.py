"""Verifies servers that the program itself asks: by the system's authorities, and those of the operator."""

import ssl
from pathlib import Path


def verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    """Returns how a server is verified; ``ca_file`` holds authorities besides the system's.

    Raises:
        OSError: The file cannot be read, or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
