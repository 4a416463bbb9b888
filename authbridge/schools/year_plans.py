"""Plans the change of a school year for one school, and foretells what it does; pure, but for its queries.

The page that asks and the command that carries it out foretell by the same function, so that what was shown
is what is done.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.errors import InputError
from authbridge.schools.school_year import SchoolCalendar
from authbridge.schools.selection import MOST_SELECTED
from authbridge.schools.year_reports import list_let_go
from authbridge.storage.models import Organiser, School

MOST_LISTED = 1000  # accesses of a school whose list is ticked: more do not fit into one form
LONGEST_TRANSITION = 14  # days


@dataclass(frozen=True, slots=True)
class PresentAccess:
    """An access as it is; what of it matters to the change of a school year.

    ``is_let_go`` tells that it runs out because an earlier change of the school year did not let it stay.
    """

    username: str
    credential_version: int
    valid_until: date | None
    is_suspended: bool
    last_login_on: date | None = None
    is_let_go: bool = False

    def is_over(self, today: date) -> bool:
        """Tells whether its last day has passed."""
        return self.valid_until is not None and self.valid_until < today


@dataclass(frozen=True, slots=True)
class YearPlan:
    """What is to be done with the school of that code; all days are last days.

    ``stay`` are the accesses that go on until ``valid_until``, None for all that :func:`stays_by_itself`;
    with new passwords if ``renews``, whose former ones count until ``transition_until`` (None: no more).
    The others run out on ``others_until``; a day that has passed ends them at once.  ``new_accounts`` are
    issued instead where nobody has said who stays.  ``run`` is the id under which the change is reported,
    ``calendar`` that of the day on which it was planned, ``seen`` what was shown beforehand.
    """

    run: str
    code: str
    calendar: SchoolCalendar
    valid_until: date
    others_until: date
    stay: tuple[str, ...] | None = None
    renews: bool = False
    transition_until: date | None = None
    new_accounts: int = 0
    raises_quota: bool = False
    seen: str | None = None

    @property
    def ends_at_once(self) -> bool:
        """Tells whether those who do not stay are logged out when it is carried out."""
        return self.others_until < self.calendar.today


@dataclass(frozen=True, slots=True)
class YearForecast:
    """What a plan does, as login names: each access of the school is in one of the first seven.

    ``unchanged`` stay and are valid for as long already, ``ending_before`` run out earlier by themselves,
    ``let_go`` on the day that an earlier change has set, ``expired`` have expired already and stay so.
    ``bounded`` had no end so far and get one; ``suspended`` stay, and stay suspended.
    """

    extended: tuple[str, ...]
    renewed: tuple[str, ...]
    unchanged: tuple[str, ...]
    ending: tuple[str, ...]
    ending_before: tuple[str, ...]
    let_go: tuple[str, ...]
    expired: tuple[str, ...]
    bounded: tuple[str, ...]
    suspended: tuple[str, ...]
    new_accounts: int
    seen: str

    @property
    def letters(self) -> int:
        """Returns how many letters are printed."""
        return len(self.renewed) + self.new_accounts

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing would change."""
        return not (self.extended or self.renewed or self.ending or self.new_accounts)


def stays_by_itself(access: PresentAccess, calendar: SchoolCalendar) -> bool:
    """Tells whether an access goes on unless somebody says otherwise.

    One that an earlier change lets run out does not: somebody wanted that.  Nor does one that has expired,
    but for those that ran out with the school year: nobody ended them.
    """
    if access.is_let_go:
        return False
    return not access.is_over(calendar.today) or access.valid_until == calendar.latest_end


def list_present(session: Session, school: School, *, now: datetime) -> tuple[PresentAccess, ...]:
    """Lists the accesses of a school, by name."""
    let_go = list_let_go(session, school.code, now=now)
    query = (
        select(
            Organiser.username,
            Organiser.credential_version,
            Organiser.valid_until,
            Organiser.suspended_at.is_not(None),
            Organiser.last_login_on,
        )
        .where(Organiser.school_id == school.id)
        .order_by(Organiser.username)
    )
    return tuple(
        PresentAccess(*row, is_let_go=(row.username, row.valid_until) in let_go)
        for row in session.execute(query)
    )


def foretell(present: Sequence[PresentAccess], plan: YearPlan) -> YearForecast:
    """Foretells what the plan does to the accesses of a school.

    Raises:
        InputError: It makes no sense: a day has passed, a name is none of the school's, nobody stays, or
            there are too many letters.
    """
    today, staying = plan.calendar.today, _staying(present, plan)
    left = [each for each in present if each not in staying]
    # Nobody was asked about them: they keep the day that they have.
    let_go = [each for each in left if plan.stay is None and each.is_let_go and not each.is_over(today)]
    others = [each for each in left if each not in let_go]
    longer = {each.username for each in staying if _lasts(each, plan.valid_until)}
    kept = frozenset() if plan.renews else staying
    forecast = YearForecast(
        extended=_names(each for each in kept if each.username not in longer),
        renewed=_names(staying - kept),
        unchanged=_names(each for each in kept if each.username in longer),
        ending=_names(each for each in others if not _is_over_by(each, plan.others_until, today)),
        ending_before=_names(
            each for each in others if _is_over_by(each, plan.others_until, today) and not each.is_over(today)
        ),
        let_go=_names(let_go),
        expired=_names(each for each in others if each.is_over(today)),
        bounded=_names(each for each in staying if each.valid_until is None),
        suspended=_names(each for each in staying if each.is_suspended),
        new_accounts=plan.new_accounts,
        seen=_seen_of(present, today),
    )
    if forecast.letters > MOST_SELECTED:
        raise InputError(
            "At most %(most)s new passwords can be made in one run. Please let the others keep their "
            "passwords, or make their new passwords in the list of organisers afterwards.",
            most=MOST_SELECTED,
        )
    return forecast


def _staying(present: Sequence[PresentAccess], plan: YearPlan) -> frozenset[PresentAccess]:
    if plan.valid_until < plan.calendar.today:
        raise InputError("Please choose a day from today on.")
    if plan.stay is None:
        return frozenset(each for each in present if stays_by_itself(each, plan.calendar))
    wanted = set(plan.stay)
    unknown = wanted - {each.username for each in present}
    if unknown:
        raise InputError(
            "The school has no access of this name: %(names)s.", names=", ".join(sorted(unknown))
        )
    return frozenset(each for each in present if each.username in wanted)


def _lasts(access: PresentAccess, day: date) -> bool:
    return access.valid_until is not None and access.valid_until >= day


def _is_over_by(access: PresentAccess, day: date, today: date) -> bool:
    return access.is_over(today) or (access.valid_until is not None and access.valid_until <= day)


def _names(accesses: Iterable[PresentAccess]) -> tuple[str, ...]:
    return tuple(sorted(each.username for each in accesses))


def _seen_of(present: Sequence[PresentAccess], today: date) -> str:
    """Returns a short text that differs once an access came or went, or its password or its end changed.

    And tomorrow: other accesses have expired then.
    """
    lines = sorted(f"{each.username} {each.credential_version} {each.valid_until}" for each in present)
    return hashlib.sha256("\n".join([today.isoformat(), *lines]).encode()).hexdigest()[:32]
