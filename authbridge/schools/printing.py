"""Prints the letters of credentials that were just issued."""

import io
from collections.abc import Sequence
from zipfile import ZipFile

from authbridge.letters import Letter, LetterBatch, Letterhead, print_files
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.storage.models import School


def letters_of(school: School, credentials: Sequence[IssuedCredential]) -> list[Letter]:
    """Returns a letter for each credential, in their order."""
    address = tuple(line for line in (school.street, school.place) if line)
    return [
        Letter(school.name, address, each.username, each.password, each.valid_until) for each in credentials
    ]


def zip_letters(letters: Sequence[Letter], batch: LetterBatch, letterhead: Letterhead) -> bytes:
    """Returns a ZIP with a PDF for each letter, named by its login name; in none is anything of another."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for letter, pdf in zip(letters, print_files(letters, batch, letterhead), strict=True):
            archive.writestr(f"{letter.username}.pdf", pdf)
    return content.getvalue()
