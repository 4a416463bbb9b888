"""Makes credentials and their letters in a thread, so that the page can show how far it is."""

import logging
from concurrent.futures import wait
from dataclasses import dataclass, field
from datetime import date

from admin.panel import Panel, current_panel, now
from admin.session.sessions import current_actor, current_session
from admin.stores.handouts import Handout, Step
from authbridge.audit import Actor
from authbridge.errors import AuthBridgeError, location_of
from authbridge.letters import Language, Letter, PrintJob, print_letters, read_letterhead
from authbridge.schools.commands import organisers
from authbridge.schools.commands.organisers import IssuedCredential, NewPassword
from authbridge.storage.models import School

_log = logging.getLogger(__name__)

_SOON = 1.5  # seconds that the page waits before it shows progress: few accounts are ready by then


@dataclass(frozen=True, slots=True)
class Order:
    """An order for ``count`` new organisers, or for a new password of the organiser ``username``."""

    school: School
    count: int
    language: Language
    valid_until: date | None
    username: str | None = None
    print_job: str = field(default_factory=organisers.new_print_job_id)


def start(order: Order) -> str:
    """Starts to work on the order; returns the id of the handout.

    Raises:
        ConfigError: The operator's texts for letters cannot be read.
        QuotaError: The school may not have so many organisers more.
    """
    panel = current_panel()
    read_letterhead(panel.config.letter_dir)  # now, for later the old password is void already
    if order.username is None:
        with panel.database.read_session() as session:
            organisers.require_room(session, order.school, order.count)
    handout = Handout(
        owner=current_session().id_hash,
        username=order.username,
        school_code=order.school.code,
        school_name=order.school.name,
        total=order.count,
        language=order.language,
        valid_until=order.valid_until,
        print_job=order.print_job,
        ends_at=panel.handouts.end_of(now()),
    )
    panel.handouts.add(handout)
    wait([panel.issuers.submit(_work, panel, order, handout, current_actor())], timeout=_SOON)
    return handout.id


class WorkError(AuthBridgeError):
    """Raised when a bug ended the work; the log says where."""


def _work(panel: Panel, order: Order, handout: Handout, actor: Actor) -> None:
    try:
        passwords = _make_passwords(panel, order, handout)
        if not panel.handouts.holds(handout):
            return  # the session is over, and nobody would see the passwords
        handout.credentials = _write_down(panel, order, passwords, actor)
        handout.ends_at = panel.handouts.end_of(panel.clock())
        handout.step, handout.done = Step.PRINTING, 0
        handout.pdf = _print(panel, order, handout)
    except AuthBridgeError as error:
        handout.error = error.with_traceback(None)  # a traceback refers to the passwords
    except Exception as error:  # noqa: BLE001 - a thread's last resort; its text may quote a password
        _log.error("bug: %s at %s", type(error).__name__, location_of(error))
        handout.error = WorkError("Something went wrong in the program itself. Please tell the technician.")
    # Credentials that were issued are shown, even if their letters cannot be printed.
    handout.step = Step.READY if handout.credentials else Step.FAILED


def _make_passwords(panel: Panel, order: Order, handout: Handout) -> list[NewPassword]:
    def make(_number: int) -> NewPassword:
        (password,) = organisers.make_passwords(1, panel.hasher, print_job=order.print_job)
        return password

    passwords = []
    for password in panel.hashers.map(make, range(order.count)):
        passwords.append(password)
        handout.done = len(passwords)
    return passwords


def _write_down(
    panel: Panel, order: Order, passwords: list[NewPassword], actor: Actor
) -> list[IssuedCredential]:
    now = panel.clock()
    with panel.database.write_session() as session:
        if order.username is None:
            return organisers.issue_organisers(
                session, order.school.code, passwords, valid_until=order.valid_until, actor=actor, now=now
            )
        (password,) = passwords
        return [
            organisers.reset_password(
                session, order.username, password, keyed_hashes=panel.keyed_hashes, actor=actor, now=now
            )
        ]


def _print(panel: Panel, order: Order, handout: Handout) -> bytes:
    def note(printed: int) -> None:
        handout.done = printed

    school, config = order.school, panel.config
    address = tuple(line for line in (school.street, school.place) if line)
    letters = [
        Letter(school.name, address, credential.username, credential.password, order.valid_until)
        for credential in handout.credentials
    ]
    day = panel.clock().astimezone(config.timezone).date()
    job = PrintJob(order.print_job, day, config.meet_url, order.language)
    return print_letters(letters, job, read_letterhead(config.letter_dir), note)
