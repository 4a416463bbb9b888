"""Works on an order for credentials in a thread, so that the page can show how far it is."""

import logging
from concurrent.futures import wait
from dataclasses import replace

from admin.panel import Panel, current_panel, now, today
from admin.session.sessions import current_actor, current_session
from admin.stores.handouts import Handout, Step
from authbridge.audit import Actor
from authbridge.errors import AuthBridgeError, location_of
from authbridge.letters import (
    Envelope,
    Language,
    LetterBatch,
    print_envelope,
    print_file,
    print_letters,
    read_letterhead,
    require_legible,
)
from authbridge.schools.commands import organisers, terms
from authbridge.schools.commands.print_jobs import new_print_job_id
from authbridge.schools.issuing import Order, issue
from authbridge.schools.printing import letters_of, prepare_print_job, zip_letters

_log = logging.getLogger(__name__)

_SOON = 1.5  # seconds that the page waits before it shows progress: few accounts are ready by then


def start(order: Order, language: Language, *, large_print: bool, envelope: Envelope | None = None) -> str:
    """Starts to work on the order, with letters, perhaps in an envelope; returns the id of the handout.

    Raises:
        ConfigError: The operator's texts for letters cannot be read.
        QuotaError: The school may not have so many organisers more.
        TermsError: The terms of use do not go with those that were printed.
        InputError: Slips are too small for large print.
    """
    panel = current_panel()
    letterhead = read_letterhead(panel.config.letter_dir)  # now, for later the old password is void already
    if envelope is not None:
        require_legible(envelope.inside, large_print=large_print)
        envelope = replace(envelope, renewed=bool(order.usernames), former_until=order.former_until)
    with panel.database.read_session() as session:
        terms.require_printable(session, letterhead.terms)
        if not order.usernames and order.year is None:
            organisers.require_room(session, order.school, order.count)
    batch = LetterBatch(
        new_print_job_id(), today(), panel.config.meet_url, language, letterhead.terms, large_print
    )
    job, envelope = prepare_print_job(
        batch, envelope, report_url=panel.config.report_url, keyed_hashes=panel.keyed_hashes
    )
    order = replace(order, print_job=job)
    handout = _handout_for(order, batch, envelope)
    panel.handouts.add(handout, now=now())
    wait([panel.issuers.submit(_work, panel, order, handout, current_actor())], timeout=_SOON)
    return handout.id


def print_alone(handout: Handout, place: int) -> bytes:
    """Returns one letter as a file, in which nothing is of another."""
    letterhead = read_letterhead(current_panel().config.letter_dir)
    return print_file(handout.letters, place, handout.batch, letterhead)


def print_apart(handout: Handout) -> bytes:
    """Returns all letters as files in a ZIP; waits while other orders are worked on."""
    panel = current_panel()
    letterhead = read_letterhead(panel.config.letter_dir)
    return panel.issuers.submit(zip_letters, list(handout.letters), handout.batch, letterhead).result()


def _handout_for(order: Order, batch: LetterBatch, envelope: Envelope | None) -> Handout:
    return Handout(
        owner=current_session().id_hash,
        usernames=order.usernames,
        school_code=order.school.code,
        school_name=order.school.name,
        total=order.count,
        batch=batch,
        envelope=envelope,
        year=order.year,
        ends_at=current_panel().handouts.end_of(now()),
    )


class WorkError(AuthBridgeError):
    """Raised when a bug ended the work; the log says where."""


def _work(panel: Panel, order: Order, handout: Handout, actor: Actor) -> None:
    try:
        handout.credentials = _issue(panel, order, handout, actor)
        if not handout.credentials:
            return
        handout.ends_at = panel.handouts.end_of(panel.clock())
        handout.step, handout.done = Step.PRINTING, 0
        handout.letters = letters_of(order.school, handout.credentials)
        handout.pdf = _print(panel, handout)
    except AuthBridgeError as error:
        handout.error = error.with_traceback(None)  # a traceback refers to the passwords
    except Exception as error:  # noqa: BLE001 - a thread's last resort; its text may quote a password
        _log.error("bug: %s at %s", type(error).__name__, location_of(error))
        handout.error = WorkError("Something went wrong in the program itself. Please tell the technician.")
    # Credentials that were issued are shown, even if their letters cannot be printed.
    handout.step = Step.READY if handout.credentials else Step.FAILED


def _issue(panel: Panel, order: Order, handout: Handout, actor: Actor) -> list[organisers.IssuedCredential]:
    """Issues the credentials; none if the session has ended, for nobody would see them."""

    def note(hashed: int) -> None:
        handout.done = hashed

    return issue(
        order,
        panel,
        actor=actor,
        pool=panel.hashers,
        note_hashed=note,
        is_wanted=lambda: panel.handouts.holds(handout, now=panel.clock()),
    )


def _print(panel: Panel, handout: Handout) -> bytes:
    def note(printed: int) -> None:
        handout.done = printed

    letterhead = read_letterhead(panel.config.letter_dir)
    if handout.envelope is not None:
        return print_envelope(handout.letters, handout.batch, handout.envelope, letterhead, note)
    return print_letters(handout.letters, handout.batch, letterhead, note)
