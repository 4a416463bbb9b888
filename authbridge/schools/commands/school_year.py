"""Carries out the change of a school year: for one school in one transaction, with one audit event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.usernames import Username
from authbridge.revocations import feed
from authbridge.schools.commands.organisers import (
    IssuedCredential,
    NewPassword,
    forget_failures,
    replace_password,
    require_room,
)
from authbridge.schools.commands.print_jobs import add_print_job
from authbridge.schools.commands.schools import parse_quota
from authbridge.schools.lookup import get_school
from authbridge.schools.new_organisers import draw_free_usernames, new_organiser
from authbridge.schools.school_rows import school_counts
from authbridge.schools.selection import require_as_shown
from authbridge.schools.year_plans import PresentAccess, YearForecast, YearPlan, foretell
from authbridge.schools.year_reports import list_let_go
from authbridge.storage.models import Organiser, School


@dataclass(frozen=True, slots=True)
class YearChange:
    """What was done, and the new credentials by name; nothing where the forecast is empty."""

    forecast: YearForecast
    credentials: tuple[IssuedCredential, ...]


def change_school_year(
    session: Session,
    plan: YearPlan,
    passwords: Sequence[NewPassword] = (),
    *,
    keyed_hashes: KeyedHashes,
    actor: Actor,
    now: datetime,
) -> YearChange:
    """Extends those who stay, and lets the others of a school run out; suspensions stay.

    ``passwords`` are as many as the forecast has letters.  The former password of a suspended access ends at
    once, whatever the transition: it may be the reason of the suspension.

    Raises:
        NotFoundError: There is no such school.
        InputError: The plan makes no sense.
        StaleSelectionError: The accesses are not as they were shown.
        QuotaError: The school has no room for the new accounts.
    """
    organisers = _lock_organisers(session, get_school(session, plan.code))
    let_go = list_let_go(session, plan.code, now=now)
    forecast = foretell([_present(each, let_go) for each in organisers.values()], plan)
    require_as_shown(is_so=plan.seen in {None, forecast.seen} and len(passwords) == forecast.letters)
    if forecast.is_empty:
        return YearChange(forecast, ())
    # After the organisers, as every other command that prints letters locks both: no deadlock.
    school = get_school(session, plan.code, lock=True)
    raised = _make_room(session, school, plan)
    job = passwords[0].print_job if passwords else None
    printed = add_print_job(session, job, school, len(passwords), actor=actor, now=now)
    renewed = dict(zip(forecast.renewed, passwords, strict=False))  # the rest is for new accounts
    issued = _issue(session, school, plan, passwords[len(renewed) :], now)
    void = [
        each for name, password in renewed.items() if _renew(each := organisers[name], school, password, plan)
    ]
    before = _change_validity(organisers, forecast, plan)
    forget_failures(session, forecast.renewed, keyed_hashes)
    record(
        session,
        actor=actor,
        action=Action.SCHOOL_CHANGE_YEAR,
        subject=school.code,
        now=now,
        **_as_detail(plan, forecast, [*issued], before),
        same={name: _as_text(each.valid_until) for name, each in organisers.items() if name not in before},
        **printed,
        **raised,
    )
    ended = [organisers[name] for name in forecast.ending] if plan.ends_at_once else []
    if void or ended:
        feed.publish_ends_of_sessions(session, [*void, *ended], now=now)
    credentials = [
        *(
            IssuedCredential(Username(name), password.plain, organisers[name].valid_until)
            for name, password in renewed.items()
        ),
        *(IssuedCredential(name, password.plain, plan.valid_until) for name, password in issued.items()),
    ]
    return YearChange(forecast, tuple(credentials))


def _lock_organisers(session: Session, school: School) -> dict[str, Organiser]:
    """Returns the organisers of a school by name, in one order for all commands."""
    query = select(Organiser).where(Organiser.school_id == school.id).order_by(Organiser.username)
    return {each.username: each for each in session.scalars(query.with_for_update())}


def _present(organiser: Organiser, let_go: frozenset[tuple[str, date]]) -> PresentAccess:
    end = organiser.valid_until
    return PresentAccess(
        organiser.username,
        organiser.credential_version,
        end,
        organiser.suspended_at is not None,
        is_let_go=end is not None and (organiser.username, end) in let_go,
    )


def _make_room(session: Session, school: School, plan: YearPlan) -> dict[str, object]:
    """Raises the quota if need be and wanted; returns the audit's words about it."""
    needed = school_counts(session, school).organisers + plan.new_accounts
    if not plan.new_accounts or needed <= school.quota or not plan.raises_quota:
        require_room(session, school, plan.new_accounts)
        return {}
    school.quota, school.revision = parse_quota(needed), school.revision + 1
    return {"quota": needed}


def _issue(
    session: Session, school: School, plan: YearPlan, passwords: Sequence[NewPassword], now: datetime
) -> dict[Username, NewPassword]:
    """Adds the new organisers; returns their passwords by name."""
    usernames = draw_free_usernames(session, school, plan.new_accounts)
    issued = dict(zip(usernames, passwords, strict=True))
    job = passwords[0].print_job if passwords else None
    job_id = None if job is None else job.id
    session.add_all(
        new_organiser(school, name, each.stored, plan.valid_until, now, print_job=job_id)
        for name, each in issued.items()
    )
    return issued


def _renew(organiser: Organiser, school: School, password: NewPassword, plan: YearPlan) -> bool:
    """Replaces a password; returns whether the former one ends at once."""
    is_suspended = organiser.suspended_at is not None or school.suspended_at is not None
    former_until = None if is_suspended else plan.transition_until
    replace_password(organiser, replace(password, former_until=former_until))
    return former_until is None


def _change_validity(
    organisers: Mapping[str, Organiser], forecast: YearForecast, plan: YearPlan
) -> dict[str, date | None]:
    """Sets the last days; returns the former ones, by the names of those whose day has changed."""
    staying = [
        organisers[name]
        for name in (*forecast.extended, *forecast.renewed)
        if (end := organisers[name].valid_until) is None or end < plan.valid_until
    ]
    ending = [organisers[name] for name in forecast.ending]
    before = {each.username: each.valid_until for each in (*staying, *ending)}
    for each in staying:
        each.valid_until = plan.valid_until
    for each in ending:
        each.valid_until = plan.others_until
    return before


def _as_detail(
    plan: YearPlan, forecast: YearForecast, issued: Sequence[Username], before: Mapping[str, date | None]
) -> dict[str, object]:
    """Returns what the report is made of, but for the last days that are the same as before.

    ``usernames`` are those whose last day has changed.
    """
    return {
        "run": plan.run,
        "valid_until": plan.valid_until.isoformat(),
        "others_until": plan.others_until.isoformat(),
        "ends_at_once": plan.ends_at_once,
        "transition_until": None if plan.transition_until is None else plan.transition_until.isoformat(),
        "usernames": sorted(before),
        "before": {name: _as_text(day) for name, day in before.items()},
        "extended": list(forecast.extended),
        "renewed": list(forecast.renewed),
        "issued": list(issued),
        "ending": list(forecast.ending),
        "unchanged": list(forecast.unchanged),
        "ending_before": list(forecast.ending_before),
        "let_go": list(forecast.let_go),
        "expired": list(forecast.expired),
        "suspended": list(forecast.suspended),
    }


def _as_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
