"""Makes credentials and their letters in the background, so that the page can say how far it is."""

import logging
from concurrent.futures import wait
from dataclasses import dataclass, field
from datetime import date

from admin import visits
from admin.panel import Panel, the_panel
from admin.slips import Slip, Step
from authbridge.audit import Actor
from authbridge.errors import AuthBridgeError, location_of
from authbridge.letters import Language, Letter, LetterBatch, print_letters, read_letterhead
from authbridge.schools.commands import organisers
from authbridge.schools.commands.organisers import IssuedCredential, NewPassword
from authbridge.storage.models import School

_log = logging.getLogger(__name__)

_SOON = 1.5  # seconds that the page waits before it shows progress: few accounts are ready by then


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: so many new organisers, or a new password for the one of that name."""

    school: School
    count: int
    language: Language
    valid_until: date | None
    username: str | None = None
    print_job: str = field(default_factory=organisers.new_print_job_id)


def start(order: Order) -> str:
    """Begins with it; returns the id of the slip on which it will stand.

    Raises :class:`AuthBridgeError` where it is clear from the start that it cannot be done.
    """
    panel = the_panel()
    read_letterhead(panel.config.letter_dir)  # better before than after the old password is dead
    if order.username is None:
        with panel.database.read_session() as session:
            organisers.require_room(session, order.school, order.count)
    slip = Slip(
        owner=visits.the_visit().id_hash,
        username=order.username,
        school_code=order.school.code,
        school_name=order.school.name,
        total=order.count,
        language=order.language,
        valid_until=order.valid_until,
        print_job=order.print_job,
        ends_at=panel.slips.end_of(visits.now()),
    )
    panel.slips.add(slip)
    wait([panel.clerks.submit(_work, panel, order, slip, visits.the_actor())], timeout=_SOON)
    return slip.id


class WorkError(AuthBridgeError):
    """Raised when the work broke off by a mistake of this program; its log says where."""


def _work(panel: Panel, order: Order, slip: Slip, actor: Actor) -> None:
    try:
        passwords = _make_passwords(panel, order, slip)
        if not panel.slips.holds(slip):
            return  # the session is over, and nobody would see them
        slip.credentials = _write_down(panel, order, passwords, actor)
        slip.ends_at = panel.slips.end_of(panel.clock())
        slip.step, slip.done = Step.PRINTING, 0
        slip.pdf = _print(panel, order, slip)
    except AuthBridgeError as error:
        slip.fault = error.with_traceback(None)  # it refers to the passwords
    except Exception as error:  # noqa: BLE001 - a thread's last resort; its text may quote a password
        _log.error("bug: %s at %s", type(error).__name__, location_of(error))
        slip.fault = WorkError("Something went wrong in the program itself. Please tell the technician.")
    # What is issued is shown, also where only its letters cannot be printed.
    slip.step = Step.READY if slip.credentials else Step.FAILED


def _make_passwords(panel: Panel, order: Order, slip: Slip) -> list[NewPassword]:
    def make(_number: int) -> NewPassword:
        (password,) = organisers.make_passwords(1, panel.hasher, print_job=order.print_job)
        return password

    passwords = []
    for password in panel.hashers.map(make, range(order.count)):
        passwords.append(password)
        slip.done = len(passwords)
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


def _print(panel: Panel, order: Order, slip: Slip) -> bytes:
    def note(printed: int) -> None:
        slip.done = printed

    school, config = order.school, panel.config
    address = tuple(line for line in (school.street, school.place) if line)
    letters = [
        Letter(school.name, address, credential.username, credential.password, order.valid_until)
        for credential in slip.credentials
    ]
    day = panel.clock().astimezone(config.timezone).date()
    job = LetterBatch(order.print_job, day, config.meet_url, order.language)
    return print_letters(letters, job, read_letterhead(config.letter_dir), note)
