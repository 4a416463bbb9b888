"""Prints the letters of credentials that were just issued, and what lies beside them in the envelope."""

import io
from collections.abc import Sequence
from dataclasses import replace
from zipfile import ZipFile

from authbridge.letters import Envelope, Letter, LetterBatch, Letterhead, NightReport, Receiver, print_files
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.schools.commands import report_codes
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.commands.print_jobs import NewPrintJob
from authbridge.storage.models import School


def prepare_print_job(
    batch: LetterBatch, envelope: Envelope | None, *, report_url: str | None, keyed_hashes: KeyedHashes
) -> tuple[NewPrintJob, Envelope | None]:
    """Returns the print job of these letters, and their envelope (None: there is none) with a one-time code.

    ``report_url`` is the page that takes the code; without one there is no code.
    """
    job = NewPrintJob(batch.id, batch.day, batch.terms)
    if envelope is None or report_url is None:
        return job, envelope
    code = report_codes.make_report_code(keyed_hashes)
    report = NightReport(code.plain, report_url, batch.day + report_codes.KEPT)
    return replace(job, report_code=code), replace(envelope, report=report)


def letters_of(school: School, credentials: Sequence[IssuedCredential]) -> list[Letter]:
    """Returns a letter for each credential, in their order."""
    receiver = receiver_of(school)
    return [
        Letter(receiver.school_name, receiver.school_address, each.username, each.password, each.valid_until)
        for each in credentials
    ]


def receiver_of(school: School) -> Receiver:
    """Returns the school as it stands in the window."""
    return Receiver(school.name, tuple(line for line in (school.street, school.place) if line))


def zip_letters(letters: Sequence[Letter], batch: LetterBatch, letterhead: Letterhead) -> bytes:
    """Returns a ZIP with a PDF for each letter, named by its login name; in none is anything of another."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for letter, pdf in zip(letters, print_files(letters, batch, letterhead), strict=True):
            archive.writestr(f"{letter.username}.pdf", pdf)
    return content.getvalue()
