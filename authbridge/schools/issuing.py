"""Issues credentials, for the panel and the command line alike: hash the passwords, then write them down.

The panel does both at once. The command line shows them in between: :func:`prepare`, :func:`put_in_force`.
Nothing here shows or keeps a password; the caller hands the credentials out.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from sqlalchemy.orm import Session

from authbridge.audit import Actor
from authbridge.clock import Clock
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.passwords import Hasher
from authbridge.login.usernames import Username
from authbridge.schools.commands import organisers
from authbridge.schools.commands.organisers import IssuedCredential, NewPassword
from authbridge.schools.commands.print_jobs import NewPrintJob
from authbridge.schools.commands.school_year import change_school_year
from authbridge.schools.commands.selections import reset_selection
from authbridge.schools.year_plans import YearPlan
from authbridge.storage.database import Database
from authbridge.storage.models import School


@dataclass(frozen=True, slots=True)
class Order:
    """An order for ``count`` new organisers, or for new passwords of the organisers ``usernames``.

    These are one, or a selection with what was ``seen`` of it. ``print_job`` are the letters, None if none
    are printed. With ``former_until`` the old passwords count as well to the end of that day. ``year`` is the
    change of a school year of which they are a part.
    """

    school: School
    count: int
    valid_until: date | None
    usernames: tuple[str, ...] = ()
    seen: str | None = None
    print_job: NewPrintJob | None = None
    former_until: date | None = None
    year: YearPlan | None = None


@dataclass(frozen=True, slots=True)
class PreparedOrder:
    """Credentials that do not count yet; the database has nothing of them."""

    order: Order
    passwords: tuple[NewPassword, ...] = field(repr=False)
    credentials: tuple[IssuedCredential, ...] = field(repr=False)


class IssuingServices(Protocol):
    """The parts of the panel, or of a command line, that issuing needs."""

    @property
    def database(self) -> Database:
        """Returns the database with the organisers."""

    @property
    def hasher(self) -> Hasher:
        """Makes the hashes of new passwords."""

    @property
    def keyed_hashes(self) -> KeyedHashes:
        """Finds the failures of a login name."""

    @property
    def clock(self) -> Clock:
        """Returns the present moment when called."""


def issue(
    order: Order,
    services: IssuingServices,
    *,
    actor: Actor,
    pool: Executor | None = None,
    note_hashed: Callable[[int], None] = lambda _count: None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> list[IssuedCredential]:
    """Hashes the passwords, with no transaction open, and writes them down; returns the credentials by name.

    ``pool`` hashes several at once; ``note_hashed`` is called after each with their number. If ``is_wanted``
    tells that nobody waits for the credentials any more, nothing is written and none are returned.

    Raises:
        NotFoundError: The school or the organiser does not exist any more.
        QuotaError: The school may not have so many organisers more.
        StaleSelectionError: One of the organisers was deleted or changed since the selection was shown.
        TermsError: The terms of use do not go with those that were printed.
    """
    passwords = []
    for password in (map if pool is None else pool.map)(_maker_for(order, services), range(order.count)):
        passwords.append(password)
        note_hashed(len(passwords))
    if not is_wanted():
        return []
    with services.database.write_session() as session:
        return _write_down(session, order, passwords, services, actor)


def prepare(order: Order, services: IssuingServices, *, actor: Actor) -> PreparedOrder:
    """Hashes the passwords, draws the names, and finds in a rehearsal what would fail; writes nothing down.

    Raises like :func:`issue`.
    """
    passwords = tuple(map(_maker_for(order, services), range(order.count)))
    with services.database.rehearsal() as session:
        credentials = _write_down(session, order, passwords, services, actor)
    return PreparedOrder(order, passwords, tuple(credentials))


def put_in_force(prepared: PreparedOrder, services: IssuingServices, *, actor: Actor) -> None:
    """Writes prepared credentials down; raises like :func:`issue`.

    Raises:
        ConflictError: Somebody else was given one of the names meanwhile.
    """
    names = [each.username for each in prepared.credentials]
    with services.database.write_session() as session:
        _write_down(session, prepared.order, prepared.passwords, services, actor, names)


def _maker_for(order: Order, services: IssuingServices) -> Callable[[int], NewPassword]:
    def make(_number: int) -> NewPassword:
        (password,) = organisers.make_passwords(
            1, services.hasher, print_job=order.print_job, former_until=order.former_until
        )
        return password

    return make


def _write_down(
    session: Session,
    order: Order,
    passwords: Sequence[NewPassword],
    services: IssuingServices,
    actor: Actor,
    names: Sequence[Username] = (),
) -> list[IssuedCredential]:
    now = services.clock()
    if order.year is not None:
        change = change_school_year(
            session, order.year, passwords, keyed_hashes=services.keyed_hashes, actor=actor, now=now
        )
        return list(change.credentials)
    if names and not order.usernames:
        named = dict(zip(names, passwords, strict=True))
        return organisers.issue_named_organisers(
            session, order.school.code, named, valid_until=order.valid_until, actor=actor, now=now
        )
    if not order.usernames:
        return organisers.issue_organisers(
            session, order.school.code, passwords, valid_until=order.valid_until, actor=actor, now=now
        )
    if order.seen is None:
        reset = organisers.reset_password(
            session,
            order.usernames[0],
            passwords[0],
            keyed_hashes=services.keyed_hashes,
            actor=actor,
            now=now,
        )
        return [reset]
    return reset_selection(
        session,
        dict(zip(order.usernames, passwords, strict=True)),
        seen=order.seen,
        keyed_hashes=services.keyed_hashes,
        actor=actor,
        now=now,
    )
