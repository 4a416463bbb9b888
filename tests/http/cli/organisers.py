"""Organisers through the command line: issued, and found in the list."""

import csv
import io
import json

from tests.http.conftest import Run


def issue(run: Run, count: int = 1) -> list[dict[str, str]]:
    """New credentials, read from the CSV that is shown once."""
    result = run("organiser", "issue", "ohg", "--count", str(count))
    return list(csv.DictReader(io.StringIO(result.stdout)))


def state(run: Run, name: str) -> str:
    """What the list says of an organiser."""
    listed: list[dict[str, str]] = json.loads(run("organiser", "list", "--json").stdout)
    return next(each["state"] for each in listed if each["username"] == name)
