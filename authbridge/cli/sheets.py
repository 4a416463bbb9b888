"""Writes new credentials, this once: as a table, JSON or letters, to standard output or into a new file.

They are written before they count (:mod:`authbridge.cli.destinations`), so that no password is lost.
"""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from authbridge.cli.days import today
from authbridge.cli.destinations import Destination, NewFile, StandardOutput, hand_out
from authbridge.cli.operator import Operator
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.commands.print_jobs import NewPrintJob, new_print_job_id
from authbridge.storage.models import School

if TYPE_CHECKING:
    from authbridge.letters import Envelope


class Sheet(Protocol):
    """One way to write new credentials."""

    @property
    def print_job(self) -> NewPrintJob | None:
        """Returns the letters, None if none are printed."""

    def show(self, credentials: Sequence[IssuedCredential]) -> bytes:
        """Returns the credentials in clear."""


def sheet_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds ``--format``, ``--output`` and those about letters: those of :func:`open_sheet`."""
    for option in (
        _output_option,
        _information_option,
        _inside_option,
        _large_print_option,
        _language_option,
        _format_option,
    ):
        command = option(command)
    return command


_format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["csv", "json", "pdf", "zip", "envelope"]),
    default="csv",
    show_default=True,
    help="A table, JSON, letters to print, a ZIP with a file for each letter, to hand out one by one (in "
    "a page that was cut out of the PDF of all, the passwords of the others can be read), or an envelope for "
    "the head of the school: cover sheet, terms of use, hand-out list, slips or letters.",
)
_language_option = click.option(
    "--language", type=click.Choice(["de", "en"]), help="Of the letters; else that of your locale."
)
_large_print_option = click.option(
    "--large-print", is_flag=True, help="Letters in 14 points, on both sides of a sheet."
)
_inside_option = click.option(
    "--inside",
    type=click.Choice(["slips", "letters"]),
    default="slips",
    show_default=True,
    help="In the envelope: slips, four a page to cut out, or whole letters.",
)
_information_option = click.option(
    "--with-information", is_flag=True, help="In the envelope: the information sheet on data protection, too."
)
_output_option = click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A new file, readable by you alone, instead of the screen; where “authbridge” runs as the service's "
    "user, redirect into a file instead.",
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A sheet that is ready to be written, and where it goes; ``path`` None is standard output."""

    sheet: Sheet
    destination: Destination
    path: Path | None

    def write(self, credentials: Sequence[IssuedCredential], put_in_force: Callable[[], object]) -> None:
        """Writes the credentials, once, and puts them in force when they are safe there.

        Raises :class:`authbridge.cli.destinations.HandoutError` if they cannot be written.
        """
        hand_out(self.destination, self.sheet.show(credentials), put_in_force)
        # Without the line that follows, the sheet may be void.
        count = len(credentials)
        click.echo(
            f"Issued: {count}. The passwords count from now on, and are not shown again."
            if self.path is None
            else f"{count} written to {self.path}, readable by you alone.",
            err=True,
        )


@contextmanager
def open_sheet(
    operator: Operator, school: School, options: Mapping[str, Any], *, renewed: bool = False
) -> Iterator[Delivery]:
    """Prepares what the options ask for; a file in which nothing was written is gone afterwards.

    ``renewed``: the credentials replace former ones.

    Raises :class:`authbridge.errors.InputError` for a file that cannot be made,
    :class:`authbridge.errors.ConfigError` for letters that cannot be printed.
    """
    path: Path | None = options["output"]
    sheet = _prepare(operator, school, {**options, "renewed": renewed})
    if path is None:
        yield Delivery(sheet, StandardOutput(), None)
        return
    with closing(NewFile(path)) as file:
        yield Delivery(sheet, file, path)


def is_screen() -> bool:
    """Tells whether standard output is a terminal, which a PDF would upset."""
    return sys.stdout.isatty()


def _prepare(operator: Operator, school: School, options: Mapping[str, Any]) -> Sheet:
    match options["style"]:
        case "csv":
            return _Table(school.code)
        case "json":
            return _Json(school.code)
    if options["output"] is None and is_screen():
        raise click.UsageError("Letters are no text: give --output FILE, or redirect into a file.")
    return _Letters(operator, school, options)


def _rows(code: str, credentials: Sequence[IssuedCredential]) -> list[dict[str, str]]:
    return [{"school": code, "username": each.username, "password": each.password} for each in credentials]


@dataclass(frozen=True, slots=True)
class _Table:
    """CSV."""

    code: str
    print_job: None = None

    def show(self, credentials: Sequence[IssuedCredential]) -> bytes:
        rows = _rows(self.code, credentials)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()


@dataclass(frozen=True, slots=True)
class _Json:
    """JSON."""

    code: str
    print_job: None = None

    def show(self, credentials: Sequence[IssuedCredential]) -> bytes:
        return (json.dumps(_rows(self.code, credentials), indent=2) + "\n").encode()


class _Letters:
    """A letter for each: one PDF, a ZIP with a PDF for each, or an envelope for the head of the school."""

    def __init__(self, operator: Operator, school: School, options: Mapping[str, Any]) -> None:
        from authbridge.letters import Language, LetterBatch, read_letterhead  # noqa: PLC0415 - takes half a second
        from authbridge.schools.printing import prepare_print_job  # noqa: PLC0415 - see above

        config = operator.config
        if not school.place:
            click.echo(
                f"The address of “{school.code}” is missing: its letters have an empty window.", err=True
            )
        language = Language(options["language"] or ("de" if operator.is_german else "en"))
        self._school = school
        self._is_zip = options["style"] == "zip"
        self._letterhead = read_letterhead(config.letter_dir)
        terms = self._letterhead.terms
        self._batch = LetterBatch(
            new_print_job_id(), today(operator), config.meet_url, language, terms, options["large_print"]
        )
        self.print_job, self._envelope = prepare_print_job(
            self._batch,
            self._chosen_envelope(options),
            report_url=config.report_url,
            keyed_hashes=operator.keyed_hashes,
        )

    def _chosen_envelope(self, options: Mapping[str, Any]) -> "Envelope | None":
        from authbridge.letters import Envelope, Inside, require_legible  # noqa: PLC0415 - see above

        if options["style"] != "envelope":
            return None
        inside = Inside(options["inside"])
        require_legible(inside, large_print=options["large_print"])
        return Envelope(inside, options["with_information"], options["renewed"])

    def show(self, credentials: Sequence[IssuedCredential]) -> bytes:
        from authbridge.letters import print_envelope, print_letters  # noqa: PLC0415 - see above
        from authbridge.schools.printing import letters_of, zip_letters  # noqa: PLC0415 - see above

        letters = letters_of(self._school, credentials)
        if self._envelope is not None:
            return print_envelope(letters, self._batch, self._envelope, self._letterhead)
        write = zip_letters if self._is_zip else print_letters
        return write(letters, self._batch, self._letterhead)
