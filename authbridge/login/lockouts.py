"""Lists the lockouts of this moment with their rules, for staff; changes nothing."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from authbridge.login.failure_history import Failure, FailureHistory, Network, SignInStep
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.networks import split_panel
from authbridge.login.policy import Reason, account_waits_until, pair_waits_until
from authbridge.login.staff_names import counted_name, staff_actor
from authbridge.storage.models import LoginFailure, NetworkWait, Organiser, RejectedAttempts, School, Staff


@dataclass(frozen=True, slots=True)
class Lockout:
    """A wait that goes on: ``rule`` is that of a pair, an account or a network.

    ``username`` is None for an unknown username and for a whole network, ``staff:anna`` for a member of
    staff; ``network`` is None where it is unknown or where there are several.  ``is_own``: the school's own
    network has to wait, too.  ``at_panel``: the wait is at the panel, not at Prosody.
    """

    rule: Reason
    username: str | None
    network: str | None
    is_own: bool
    failures: int
    since: datetime
    until: datetime
    at_panel: bool = False


@dataclass(frozen=True, slots=True)
class _Owner:
    """The owner of a name, and the networks of their school; ``sign_in_step`` is None for organisers."""

    name: str | None = None
    own_networks: frozenset[str] = frozenset()
    sign_in_step: SignInStep | None = None


_NOBODY = _Owner()


def list_lockouts(
    session: Session, keyed_hashes: KeyedHashes, *, now: datetime, limits: Limits
) -> list[Lockout]:
    """Returns all lockouts, by their ends."""
    failures = {
        name_key: of_name
        for name_key, of_name in _failures_by_key(session, now, limits).items()
        if any(_of_name(_NOBODY, of_name, now, limits))
    }
    # The owner of a key is found by making the keys of all names, so only where somebody waits.
    owners = _owners_by_key(session, keyed_hashes, failures) if failures else {}
    found = list(_of_networks(session, now))
    for name_key, of_name in failures.items():
        found += _of_name(owners.get(name_key, _NOBODY), of_name, now, limits)
    return sorted(filter(_is_listed, found), key=lambda lockout: lockout.until)


def lockouts_of(
    session: Session, organiser: Organiser, keyed_hashes: KeyedHashes, *, now: datetime, limits: Limits
) -> list[Lockout]:
    """Returns the lockouts of one organiser, and of networks that made them wait, by their ends."""
    key = keyed_hashes.name(organiser.username)
    failures = _failures_by_key(session, now, limits, LoginFailure.name_key == key)
    owner = _Owner(organiser.username, frozenset(organiser.school.trusted_networks))
    made_them_wait = _made_wait(organiser, now - limits.network_wait)
    found = [
        *_of_name(owner, failures.get(key, []), now, limits),
        *_of_networks(session, now, made_them_wait),
    ]
    return sorted(found, key=lambda lockout: lockout.until)


def _made_wait(organiser: Organiser, since: datetime) -> ColumnElement[bool]:
    """Selects the waits of networks from which this organiser was told to wait."""
    rejected = select(RejectedAttempts.id).where(
        RejectedAttempts.organiser_id == organiser.id,
        RejectedAttempts.network == NetworkWait.network,
        RejectedAttempts.locked > 0,
        RejectedAttempts.minute >= since.replace(second=0, microsecond=0),
    )
    return rejected.exists()


def _failures_by_key(
    session: Session, now: datetime, limits: Limits, *only: ColumnElement[bool]
) -> dict[str, list[Failure]]:
    """Returns the recent failures of the names that may have to wait, oldest first.

    These are few: of the many names of a spray most wait no longer.
    """
    last_waits = now - max(limits.first_wait, limits.longest_wait)
    is_recent = and_(LoginFailure.at > now - limits.account_window, *only)
    may_wait = (
        select(LoginFailure.name_key)
        .where(is_recent)
        .group_by(LoginFailure.name_key)
        .having(
            or_(
                func.count() >= min(limits.account_outside, limits.account_failures),
                func.max(LoginFailure.at).filter(LoginFailure.wait > 0) > last_waits,
            )
        )
    )
    rows = session.execute(
        select(
            LoginFailure.name_key,
            LoginFailure.at,
            LoginFailure.network,
            LoginFailure.from_unfamiliar_network,
            LoginFailure.fingerprint,
            LoginFailure.wait,
        )
        .where(is_recent, LoginFailure.name_key.in_(may_wait))
        .order_by(LoginFailure.name_key, LoginFailure.at, LoginFailure.id)
    )
    return {
        name_key: [
            Failure(
                at,
                network or None,
                from_unfamiliar_network=from_unfamiliar_network,
                fingerprint=fingerprint,
                wait=timedelta(seconds=wait),
            )
            for _, at, network, from_unfamiliar_network, fingerprint, wait in group
        ]
        for name_key, group in groupby(rows, key=lambda row: row[0])
    }


def _owners_by_key(session: Session, keyed_hashes: KeyedHashes, wanted: Collection[str]) -> dict[str, _Owner]:
    """Returns the owners of these keys."""
    owners = {}
    networks = {
        row.id: row.trusted_networks for row in session.execute(select(School.id, School.trusted_networks))
    }
    for username, school_id in session.execute(select(Organiser.username, Organiser.school_id)):
        if (key := keyed_hashes.existing_name(username)) in wanted:
            owners[key] = _Owner(username, frozenset(networks[school_id]))
    for name in session.scalars(select(Staff.name)):
        for sign_in_step in SignInStep:
            key = keyed_hashes.existing_name(counted_name(sign_in_step, name))
            owners[key] = _Owner(staff_actor(name), sign_in_step=sign_in_step)
    return owners


def _is_listed(lockout: Lockout) -> bool:
    # The key of an unknown username does not tell its step, and at some steps no account waits for strangers.
    return not (lockout.at_panel and lockout.username is None and lockout.rule is Reason.ACCOUNT_WAITS)


def _of_name(owner: _Owner, failures: list[Failure], now: datetime, limits: Limits) -> Iterator[Lockout]:
    yield from _of_account(owner, failures, now, limits)
    for key in sorted({failure.network for failure in failures}, key=str):
        history = FailureHistory(Network(key), failures=failures)
        until = pair_waits_until(history, now, limits)
        if until is not None and now < until:
            network, at_panel = split_panel(key)
            yield Lockout(
                Reason.PAIR_WAITS,
                owner.name,
                network,
                is_own=key in owner.own_networks,
                at_panel=at_panel or owner.sign_in_step is not None,
                failures=len(history.pair_failures),
                since=history.pair_failures[0].at,
                until=until,
            )


def _of_account(owner: _Owner, failures: list[Failure], now: datetime, limits: Limits) -> Iterator[Lockout]:
    # First for the school's own network: if that has to wait, all networks have.
    for trusted in (True, False):
        history = FailureHistory(Network(None, trusted), failures=failures, sign_in_step=owner.sign_in_step)
        until = account_waits_until(history, now, limits)
        if until is not None and now < until:
            counted = (
                failures if trusted else [failure for failure in failures if failure.from_unfamiliar_network]
            )
            yield Lockout(
                Reason.ACCOUNT_WAITS,
                owner.name,
                None,
                is_own=trusted,
                at_panel=owner.sign_in_step is not None
                or any(split_panel(failure.network)[1] for failure in counted),
                failures=len(counted),
                since=counted[0].at,
                until=until,
            )
            return


def _of_networks(session: Session, now: datetime, *only: ColumnElement[bool]) -> Iterator[Lockout]:
    waits = session.scalars(select(NetworkWait).where(NetworkWait.until > now, *only)).all()
    if not waits:
        return
    failures = session.execute(
        select(LoginFailure.network, LoginFailure.at).where(
            LoginFailure.network.in_([wait.network for wait in waits]),
            LoginFailure.at > min(map(_counted_from, waits)),
            LoginFailure.fingerprint.is_not(None),
        )
    ).all()
    for wait in waits:
        network, at_panel = split_panel(wait.network)
        yield Lockout(
            Reason.NETWORK_WAITS,
            None,
            network,
            is_own=False,
            at_panel=at_panel,
            failures=sum(where == wait.network and at > _counted_from(wait) for where, at in failures),
            since=wait.since,
            until=wait.until,
        )


def _counted_from(wait: NetworkWait) -> datetime:
    return wait.since - (wait.until - wait.since)
