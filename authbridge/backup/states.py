"""Reads of a database what decides who gets in, and says what differs between a backup and now."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from authbridge.audit import Action
from authbridge.errors import ConfigError
from authbridge.login.quick_checks import QuickChecks
from authbridge.login.typed_passwords import StoredPassword
from authbridge.staff.encryption import StaffEncryption
from authbridge.storage.models import (
    AuditEvent,
    Organiser,
    Passkey,
    ReportCode,
    School,
    Staff,
    Suspension,
    table_of,
)

_organisers, _schools, _staff = table_of(Organiser), table_of(School), table_of(Staff)
_suspensions, _passkeys, _codes = table_of(Suspension), table_of(Passkey), table_of(ReportCode)

_audit = table_of(AuditEvent)

_DELETIONS = (Action.ORGANISER_DELETE, Action.STAFF_DELETE, Action.REPORT_CODE_WITHDRAW)

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SavedAccount:
    """What an organiser's access depends on; ``password`` changes whenever another one is issued."""

    password: tuple[datetime, int]
    former_hash: str | None
    valid_until: date | None
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    """What a member of staff signs in with; ``passkeys`` are their numbers."""

    secrets: tuple[datetime, str, str | None, str | None]
    factor_secret: str | None
    factor_step: int
    suspended_at: datetime | None
    passkeys: frozenset[str]


@dataclass(frozen=True, slots=True)
class State:
    """Everything in a database by which somebody gets in, or does not.

    ``suspensions`` are those that go on, by username or by the school's code; ``codes`` the report codes by
    their hash, with the moment at which each was used.  ``ended`` are the deletions in the audit: the subject
    of each with its action.
    """

    accounts: Mapping[str, SavedAccount]
    schools: Mapping[str, datetime | None]
    suspensions_of_accounts: Mapping[str, Row[Any]]
    suspensions_of_schools: Mapping[str, Row[Any]]
    staff: Mapping[str, Member]
    codes: Mapping[str, datetime | None]
    ended: frozenset[tuple[str, str]]

    @property
    def is_new(self) -> bool:
        """Tells whether nothing was ever entered: the database of a new machine."""
        return not self.schools and not self.accounts


def read_state(connection: Connection) -> State:
    """Reads the state of a database."""
    return State(
        accounts={
            row.username: SavedAccount(
                (row.created_at, row.credential_version), row.previous_hash, row.valid_until, row.suspended_at
            )
            for row in connection.execute(select(_organisers))
        },
        schools={row.code: row.suspended_at for row in connection.execute(select(_schools))},
        suspensions_of_accounts=_ongoing(connection, _organisers.c.username, _organisers.c.id),
        suspensions_of_schools=_ongoing(connection, _schools.c.code, _schools.c.id),
        staff=_read_staff(connection),
        codes=dict(iter(connection.execute(select(_codes.c.code_hash, _codes.c.used_at)))),
        ended=frozenset(
            (row.action, row.subject)
            for row in connection.execute(
                select(_audit.c.action, _audit.c.subject).where(_audit.c.action.in_(_DELETIONS))
            )
        ),
    )


def _ongoing(connection: Connection, name: Any, key: Any) -> dict[str, Row[Any]]:  # noqa: ANN401 - columns
    owner = _suspensions.c.organiser_id if key.table is _organisers else _suspensions.c.school_id
    query = select(name.label("name"), _suspensions).join_from(_suspensions, key.table, owner == key)
    return {row.name: row for row in connection.execute(query.where(_suspensions.c.until.is_(None)))}


def _read_staff(connection: Connection) -> dict[str, Member]:
    passkeys: dict[int, set[str]] = {}
    for staff_id, number in connection.execute(select(_passkeys.c.staff_id, _passkeys.c.credential_id)):
        passkeys.setdefault(staff_id, set()).add(number)
    return {
        row.name: Member(
            (row.created_at, row.role, row.password_hash, row.factor_secret),
            row.factor_secret,
            row.factor_step or 0,
            row.suspended_at,
            frozenset(passkeys.get(row.id, ())),
        )
        for row in connection.execute(select(_staff))
    }


@dataclass(frozen=True, slots=True)
class Differences:
    """What changed since a backup was taken, by name.

    ``is_new``: nothing is known of what happened since, for the present database is that of a new machine.
    """

    is_new: bool
    suspended: Names
    suspended_schools: Names
    reinstated: Names
    reinstated_schools: Names
    expired: Names
    reset: Names
    former_ended: Names
    deleted: Names
    lost: Names
    lost_schools: Names
    suspended_staff: Names
    changed_staff: Names
    deleted_staff: Names
    lost_staff: Names
    unreadable_staff: Names

    @property
    def staff_to_invite(self) -> Names:
        """Returns the staff who can sign in only after a new invitation."""
        return _names({*self.changed_staff, *self.unreadable_staff} - {*self.deleted_staff})


def compare(then: State, now: State, *, unreadable_staff: Collection[str]) -> Differences:
    """Returns what differs between a backup and the present state.

    ``unreadable_staff``: those whose second factors are encrypted under another secret key.
    """
    is_new = now.is_new
    accounts = [
        (name, each, now.accounts[name]) for name, each in then.accounts.items() if name in now.accounts
    ]
    schools = [(name, each, now.schools[name]) for name, each in then.schools.items() if name in now.schools]
    # A new machine has no accounts, but perhaps a first admin, who tells nothing of the one of that name.
    staff = [] if is_new else [(n, each, now.staff[n]) for n, each in then.staff.items() if n in now.staff]
    return Differences(
        is_new=is_new,
        suspended=_names(name for name, a, b in accounts if a.suspended_at is None is not b.suspended_at),
        suspended_schools=_names(name for name, a, b in schools if a is None is not b),
        reinstated=_names(name for name, a, b in accounts if b.suspended_at is None is not a.suspended_at),
        reinstated_schools=_names(name for name, a, b in schools if b is None is not a),
        expired=_names(name for name, a, b in accounts if _ends_earlier(b.valid_until, a.valid_until)),
        reset=_names(name for name, a, b in accounts if a.password != b.password),
        former_ended=_names(name for name, a, b in accounts if a.former_hash not in {None, b.former_hash}),
        # Only what somebody has deleted: rows may be missing for another reason, which is why one restores.
        deleted=_names(
            n for n in then.accounts.keys() - now.accounts if (Action.ORGANISER_DELETE, n) in now.ended
        ),
        lost=_names(now.accounts.keys() - then.accounts),
        lost_schools=_names(now.schools.keys() - then.schools),
        suspended_staff=_names(name for name, a, b in staff if a.suspended_at is None is not b.suspended_at),
        changed_staff=_names(name for name, a, b in staff if a.secrets != b.secrets),
        deleted_staff=_names(
            n for n in then.staff.keys() - now.staff if (Action.STAFF_DELETE, n) in now.ended
        ),
        lost_staff=_names(now.staff.keys() - then.staff),
        unreadable_staff=_names(unreadable_staff),
    )


def _names(found: Iterable[str]) -> Names:
    return tuple(sorted(found))


def _ends_earlier(day: date | None, than: date | None) -> bool:
    return day is not None and (than is None or day < than)


def unreadable_staff(state: State, encryption: StaffEncryption) -> Names:
    """Returns the staff whose second factors this secret key does not decrypt."""
    return _names(name for name, each in state.staff.items() if not _is_readable(each, encryption))


def _is_readable(member: Member, encryption: StaffEncryption) -> bool:
    try:
        return member.factor_secret is None or bool(encryption.unseal(member.factor_secret))
    except ConfigError:
        return False


def key_fits(connection: Connection, quick_checks: QuickChecks) -> bool | None:
    """Tells whether the accounts were issued under this secret key; None: no account tells it."""
    query = select(_organisers).where(_organisers.c.quick_check.is_not(None)).limit(1)
    row = connection.execute(query.order_by(_organisers.c.id.desc())).first()
    if row is None:
        return None
    stored = StoredPassword(row.password_hash, generated=row.password_generated, quick_check=row.quick_check)
    return quick_checks.is_current(stored)
