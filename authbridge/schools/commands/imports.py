"""Takes over what stands in tables: existing credentials, and schools; all of a table or nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import AuthBridgeError, ConflictError, ImportFileError, InputError
from authbridge.login.typed_passwords import StoredPassword
from authbridge.login.usernames import SchoolCode, Username, parse_school_code
from authbridge.schools.new_organisers import new_organiser
from authbridge.schools.search_text import fold
from authbridge.storage.models import Organiser, School

_IMPORT = "import"  # the subject in the audit: a table has no name


class StaleImportError(ConflictError):
    """Raised when a table would do something else by now than what was shown; nothing was changed."""


# ---- Existing credentials


class CredentialLine(Protocol):
    """A line of a table with existing credentials."""

    @property
    def line(self) -> int:
        """Returns its number."""

    @property
    def school(self) -> str:
        """Returns the code of the school, or its name."""

    @property
    def username(self) -> Username:
        """Returns the login name."""


@dataclass(frozen=True, slots=True)
class ImportedCredential:
    """A line of a table with existing credentials, checked, its password already hashed."""

    line: int
    school: str
    username: Username
    stored: StoredPassword = field(repr=False)
    valid_until: date | None = None


def find_schools(session: Session, credentials: Sequence[CredentialLine]) -> list[School]:
    """Returns the school of each line, and makes sure that nobody has the login names yet.

    Raises:
        ImportFileError: A school does not exist, or a username does already.
    """
    faults: list[tuple[int, AuthBridgeError]] = []
    schools = _SchoolsByText(session.scalars(select(School)).all())
    wanted = [credential.username for credential in credentials]
    taken = set(session.scalars(select(Organiser.username).where(Organiser.username.in_(wanted))))
    found = []
    for credential in credentials:
        try:
            found.append(schools.find(credential.school))
        except AuthBridgeError as error:
            faults.append((credential.line, error))
        if credential.username in taken:
            fault = ConflictError("There is an organiser “%(name)s” already.", name=credential.username)
            faults.append((credential.line, fault))
        taken.add(credential.username)
    if faults:
        raise ImportFileError(faults)
    return found


def import_organisers(
    session: Session, credentials: Sequence[ImportedCredential], *, actor: Actor, now: datetime
) -> int:
    """Takes existing credentials over, all or none; returns their number.

    No quota holds this up: these accounts exist already, and a school that has too many of them is given no
    new ones.

    Raises:
        ImportFileError: A school does not exist, or a username does already.
    """
    for school, each in zip(find_schools(session, credentials), credentials, strict=True):
        session.add(new_organiser(school, each.username, each.stored, each.valid_until, now))
    if credentials:
        record(
            session,
            actor=actor,
            action=Action.ORGANISER_IMPORT,
            subject=_IMPORT,
            now=now,
            usernames=[each.username for each in credentials],
        )
    return len(credentials)


class _SchoolsByText:
    """Finds schools by what stands in a table: the code, or else the name, as our own lists write it."""

    def __init__(self, schools: Sequence[School]) -> None:
        self._by_code = {school.code: school for school in schools}
        self._by_name: dict[str, list[School]] = {}
        for school in schools:
            self._by_name.setdefault(fold(school.name).spelt, []).append(school)

    def find(self, typed: str) -> School:
        """Returns the school; no error quotes what may be a password in the wrong column."""
        try:
            code = parse_school_code(typed)
        except InputError:
            code = None
        named = self._by_name.get(fold(typed).spelt, [])
        if code in self._by_code:
            return self._by_code[code]
        match named:
            case [school]:
                return school
            case [_, *_]:
                raise InputError("Several schools have this name. Please give the short code.")
        raise InputError("There is no school with this short code or name.")


# ---- Schools


@dataclass(frozen=True, slots=True)
class SchoolLine:
    """A line of a table with schools, checked; ``values`` are those given, by the names of the model."""

    line: int
    code: SchoolCode
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SchoolDifference:
    """What a table changes of a school: for each field the value before and after."""

    code: str
    name: str
    fields: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """What a table with schools would do; ``seen`` changes with it."""

    new: Sequence[SchoolLine]
    changed: Sequence[SchoolDifference]
    unchanged: int

    @property
    def seen(self) -> str:
        """Returns a short text that two plans share only if they do the same."""
        return hashlib.sha256(repr((self.new, self.changed)).encode()).hexdigest()


def plan_schools(session: Session, lines: Sequence[SchoolLine], *, lock: bool = False) -> SchoolPlan:
    """Compares a table with the schools there are; ``lock`` keeps others from changing those.

    Raises:
        ImportFileError: A new school has no name.
    """
    by_code = _schools_by_code(session, [each.code for each in lines], lock=lock)
    new = [each for each in lines if each.code not in by_code]
    if faults := [(each.line, _nameless(each.code)) for each in new if "name" not in each.values]:
        raise ImportFileError(faults)
    compared = [_compare(by_code[each.code], each) for each in lines if each.code in by_code]
    changed = [each for each in compared if each.fields]
    return SchoolPlan(new, changed, len(compared) - len(changed))


def import_schools(
    session: Session, lines: Sequence[SchoolLine], *, seen: str | None = None, actor: Actor, now: datetime
) -> SchoolPlan:
    """Adds and changes schools as the table has them, all or none; returns what was done.

    ``seen`` is that of the plan that was shown (None: whatever it is now).

    Raises:
        ImportFileError: A new school has no name.
        StaleImportError: Schools have changed since the plan was shown.
    """
    plan = plan_schools(session, lines, lock=True)
    if seen not in {None, plan.seen}:
        raise StaleImportError("Schools have changed since this was shown. Please look at it again.")
    for line in plan.new:
        session.add(School(code=line.code, created_at=now, **line.values))
    by_code = _schools_by_code(session, [each.code for each in plan.changed])
    for change in plan.changed:
        school = by_code[change.code]
        for name, (_before, after) in change.fields.items():
            setattr(school, name, after)
        school.revision += 1
    if plan.new or plan.changed:
        record(
            session,
            actor=actor,
            action=Action.SCHOOL_IMPORT,
            subject=_IMPORT,
            now=now,
            added={line.code: _as_detail(line.values) for line in plan.new},
            changed={
                change.code: _as_detail({name: after for name, (_before, after) in change.fields.items()})
                for change in plan.changed
            },
        )
    return plan


def _schools_by_code(session: Session, codes: Sequence[str], *, lock: bool = False) -> dict[str, School]:
    query = select(School).where(School.code.in_(codes)).order_by(School.code)
    found = session.scalars(query.with_for_update() if lock else query)
    return {school.code: school for school in found}


def _nameless(code: str) -> InputError:
    return InputError("There is no school “%(code)s” yet, and a new school needs a name.", code=code)


def _compare(school: School, line: SchoolLine) -> SchoolDifference:
    fields = {
        name: (getattr(school, name), after)
        for name, after in line.values.items()
        if after != getattr(school, name)
    }
    return SchoolDifference(school.code, school.name, fields)


def _as_detail(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
