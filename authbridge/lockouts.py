"""Who has to wait at this moment, and why; for staff.  Nothing here changes anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from authbridge.models import LoginFailure, NetworkWait, Organiser
from authbridge.policy import (
    Failure,
    Limits,
    Network,
    Reason,
    Standing,
    account_waits_until,
    pair_waits_until,
)
from authbridge.traces import Traces


@dataclass(frozen=True, slots=True)
class Lockout:
    """A wait that goes on: ``rule`` is that of a pair, an account or a network.

    ``username`` is None for a name that is nobody's and for a whole network, ``network`` where it is unknown
    or where they are many.  ``is_own``: the school's own network has to wait, too.
    """

    rule: Reason
    username: str | None
    network: str | None
    is_own: bool
    failures: int
    since: datetime
    until: datetime


def list_lockouts(session: Session, traces: Traces, *, now: datetime, limits: Limits) -> list[Lockout]:
    """All waits, those that end first first."""
    organisers = _organisers_by_key(session, traces)
    is_recent = LoginFailure.at > now - timedelta(seconds=limits.account_window)
    often = (
        select(LoginFailure.name_key)
        .where(is_recent)
        .group_by(LoginFailure.name_key)
        .having(func.count() >= limits.pair_guesses)
    )
    rows = session.scalars(
        select(LoginFailure)
        .where(is_recent, LoginFailure.name_key.in_(often))
        .order_by(LoginFailure.name_key, LoginFailure.at, LoginFailure.id)
    )
    found = list(_of_networks(session, now))
    for name_key, group in groupby(rows, key=lambda row: row.name_key):
        found += _of_name(organisers.get(name_key), [_failure(row) for row in group], now, limits)
    return sorted(found, key=lambda lockout: lockout.until)


def _organisers_by_key(session: Session, traces: Traces) -> dict[str, Organiser]:
    query = select(Organiser).join(Organiser.school).options(contains_eager(Organiser.school))
    return {traces.name(organiser.username): organiser for organiser in session.scalars(query)}


def _failure(row: LoginFailure) -> Failure:
    return Failure(
        row.at, row.network or None, outside=row.outside, fingerprint=row.fingerprint, wait=row.wait
    )


def _of_name(
    organiser: Organiser | None, failures: list[Failure], now: datetime, limits: Limits
) -> Iterator[Lockout]:
    username = None if organiser is None else organiser.username
    yield from _of_account(username, failures, now, limits)
    for key in sorted({failure.network for failure in failures}, key=str):
        standing = Standing(Network(key), failures=failures)
        until = pair_waits_until(standing, now, limits)
        if until is not None and now < until:
            yield Lockout(
                Reason.PAIR_WAITS,
                username,
                key,
                is_own=organiser is not None and key in organiser.school.trusted_networks,
                failures=len(standing.of_pair),
                since=standing.of_pair[0].at,
                until=until,
            )


def _of_account(
    username: str | None, failures: list[Failure], now: datetime, limits: Limits
) -> Iterator[Lockout]:
    # First as it is for the school's own network: if that waits, everything does.
    for trusted in (True, False):
        until = account_waits_until(Standing(Network(None, trusted), failures=failures), now, limits)
        if until is not None and now < until:
            counted = failures if trusted else [failure for failure in failures if failure.outside]
            yield Lockout(
                Reason.ACCOUNT_WAITS,
                username,
                None,
                is_own=trusted,
                failures=len(counted),
                since=counted[0].at,
                until=until,
            )
            return


def _of_networks(session: Session, now: datetime) -> Iterator[Lockout]:
    for wait in session.scalars(select(NetworkWait).where(NetworkWait.until > now)):
        counted = select(func.count()).where(
            LoginFailure.network == wait.network,
            LoginFailure.at > wait.since - (wait.until - wait.since),
            LoginFailure.fingerprint.is_not(None),
        )
        yield Lockout(
            Reason.NETWORK_WAITS,
            None,
            wait.network,
            is_own=False,
            failures=session.scalar(counted) or 0,
            since=wait.since,
            until=wait.until,
        )
