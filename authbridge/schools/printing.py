"""Prints the letters of credentials that were just issued."""

from collections.abc import Callable, Sequence

from authbridge.letters import Letter, LetterBatch, Letterhead, print_letters
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import School


def print_credentials(
    school: School,
    credentials: Sequence[IssuedCredential],
    batch: LetterBatch,
    letterhead: Letterhead,
    note_printed: Callable[[int], None] | None = None,
) -> bytes:
    """Returns a PDF with a letter for each credential; ``note_printed`` is called with their number."""
    address = tuple(line for line in (school.street, school.place) if line)
    letters = [
        Letter(school.name, address, each.username, each.password, each.valid_until) for each in credentials
    ]
    return print_letters(letters, batch, letterhead, note_printed)
