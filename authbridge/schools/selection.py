"""Finds the organisers that staff have chosen together, for one change to all of them; changes nothing.

Between the page that shows the choice and the click that confirms it others go on working, so the names are
chosen once and never found anew, and ``seen`` tells whether what matters of them is as it was shown.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence, Sized
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from authbridge.errors import ConflictError, InputError
from authbridge.schools.commands.organisers import MAX_ISSUED
from authbridge.schools.organiser_rows import ORGANISERS, OrganiserRow, organiser_row
from authbridge.storage.models import Organiser

MOST_SELECTED = 500  # at once: logins wait for the one transaction, and a feed's answer holds as many events


class StaleSelectionError(ConflictError):
    """Raised when organisers of a selection were deleted or changed since it was shown; nothing is done."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Organisers who were chosen together, by name; ``gone`` were chosen and do not exist any more."""

    rows: tuple[OrganiserRow, ...]
    gone: tuple[str, ...]
    seen: str
    seen_suspensions: str


def find_selection(session: Session, usernames: Collection[str], *, today: date) -> Selection:
    """Finds the organisers of these names."""
    query = ORGANISERS.where(Organiser.username.in_(_possible(usernames))).order_by(Organiser.username)
    found = session.scalars(query).all()
    gone = sorted(set(usernames) - {each.username for each in found})
    rows = tuple(organiser_row(each, today) for each in found)
    return Selection(rows, tuple(gone), seen_of(found), suspensions_of(found))


def lock_selection(
    session: Session,
    usernames: Collection[str],
    seen: str | None = None,
    *,
    what_matters: Callable[[Sequence[Organiser]], str] | None = None,
) -> list[Organiser]:
    """Returns the organisers of these names, in one order for all commands; others cannot change them.

    ``seen`` is what mattered of the selection as it was shown, by :func:`seen_of` or ``what_matters``; None
    where no change since then matters.

    Raises:
        InputError: They are none, or too many.
        StaleSelectionError: One does not exist any more, or was changed since.
    """
    _require_size(usernames)
    query = (
        select(Organiser)
        .join(Organiser.school)
        .options(contains_eager(Organiser.school))
        .where(Organiser.username.in_(_possible(usernames)))
        .order_by(Organiser.username)
        .with_for_update(of=Organiser)
    )
    found = list(session.scalars(query))
    is_as_shown = seen is None or seen == (what_matters or seen_of)(found)
    require_as_shown(is_so=len(found) == len(set(usernames)) and is_as_shown)
    return found


def require_for_letters(selection: Selection, seen: str | None) -> str:
    """Returns the code of the school to which the letters of a selection go.

    Raises:
        InputError: It is empty, or there are too many for one pile of letters.
        ConflictError: They are of several schools.
        StaleSelectionError: It is not as it was shown.
    """
    _require_size(selection.rows)
    require_as_shown(is_so=not selection.gone and seen == selection.seen)
    if len(selection.rows) > MAX_ISSUED:
        raise InputError("At most %(most)s new passwords can be made at once.", most=MAX_ISSUED)
    return require_one_school({row.school_code for row in selection.rows})


def require_one_school(codes: Collection[str]) -> str:
    """Returns the code of the only school.

    Raises:
        ConflictError: There are several: their letters would lie on one pile.
    """
    if len(codes) > 1:
        raise ConflictError("New passwords are made for one school at a time.")
    return next(iter(codes))


def _require_size(usernames: Sized) -> None:
    if not usernames:
        raise InputError("No access is chosen.")
    if len(usernames) > MOST_SELECTED:
        raise InputError("At most %(most)s accesses can be changed at once.", most=MOST_SELECTED)


def require_as_shown(*, is_so: bool) -> None:
    """Checks that accesses are as they were shown.

    Raises:
        StaleSelectionError: They are not.
    """
    if not is_so:
        raise StaleSelectionError(
            "Somebody has changed these accesses in the meantime. Nothing was done; please look again."
        )


def seen_of(organisers: Sequence[Organiser]) -> str:
    """Returns a short text that differs once a password or an end of validity differs."""
    return _digest(f"{each.username} {each.credential_version} {each.valid_until}" for each in organisers)


def suspensions_of(organisers: Sequence[Organiser]) -> str:
    """Returns a short text that differs once somebody was suspended, reinstated, or suspended anew."""
    return _digest(f"{each.username} {each.suspended_at}" for each in organisers)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:32]


def _possible(usernames: Iterable[str]) -> list[str]:
    """Returns the names that can be an organiser's; PostgreSQL takes no NUL."""
    return [name for name in usernames if name.isascii() and name.isprintable()]
