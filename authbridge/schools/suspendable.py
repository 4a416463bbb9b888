"""Says what differs between an organiser and a school when either is suspended, and how each is found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import InstrumentedAttribute, Session

from authbridge.audit import Action
from authbridge.errors import ConflictError
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.storage.models import Organiser, Suspendable, Suspension


class _Find(Protocol):
    def __call__(self, session: Session, name: str, /, *, lock: bool = False) -> Suspendable: ...


@dataclass(frozen=True, slots=True)
class SuspendableKind:
    """One kind of what can be suspended; ``history`` is the column of its suspensions.

    ``find`` raises :class:`authbridge.errors.NotFoundError`; ``not_suspended`` makes the error for a name.
    """

    find: _Find
    history: InstrumentedAttribute[int | None]
    on_suspend: Action
    on_reinstate: Action
    on_describe: Action
    not_suspended: Callable[[str], ConflictError]


def kind_of(found: Suspendable) -> SuspendableKind:
    """Returns the kind of an organiser or a school."""
    return ORGANISER if isinstance(found, Organiser) else SCHOOL


def name_of(found: Suspendable) -> str:
    """Returns the username of an organiser, the code of a school."""
    return found.username if isinstance(found, Organiser) else found.code


def _organiser_not_suspended(username: str) -> ConflictError:
    return ConflictError("“%(name)s” is not suspended any more.", name=username)


def _school_not_suspended(code: str) -> ConflictError:
    return ConflictError("The school “%(code)s” is not suspended any more.", code=code)


ORGANISER = SuspendableKind(
    find=get_organiser,
    history=Suspension.organiser_id,
    on_suspend=Action.ORGANISER_SUSPEND,
    on_reinstate=Action.ORGANISER_REINSTATE,
    on_describe=Action.ORGANISER_DESCRIBE_SUSPENSION,
    not_suspended=_organiser_not_suspended,
)
SCHOOL = SuspendableKind(
    find=get_school,
    history=Suspension.school_id,
    on_suspend=Action.SCHOOL_SUSPEND,
    on_reinstate=Action.SCHOOL_REINSTATE,
    on_describe=Action.SCHOOL_DESCRIBE_SUSPENSION,
    not_suspended=_school_not_suspended,
)
