"""Decides what the use of a token opens: the account as it is now, and what was published since the login."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, or_, select

from authbridge.login import credentials, journal, policy
from authbridge.login.attempts import Arrival, Origin
from authbridge.login.authenticate import LoginServices
from authbridge.login.policy import Decision, Verdict
from authbridge.login.usernames import Username
from authbridge.page_tokens.tokens import FeedPosition, Grant, Tokens
from authbridge.revocations import feed
from authbridge.storage.models import Revocation, table_of
from authbridge.storage.prepared import Prepared

_revocations = table_of(Revocation)
_ENDS = Prepared(
    select(func.count()).where(
        _revocations.c.username == bindparam("username"),
        or_(*(_revocations.c.action == action for action in feed.ENDING)),
        _revocations.c.id > bindparam("after"),
    )
)


SHARED_FOR = timedelta(minutes=5)
"""How long after the login a token of a shared device opens its first session."""


class TokenSessions(StrEnum):
    """The sessions that a token has opened at the Prosody that asks: none, one that goes on, or all over."""

    NONE = "none"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class TokenUse:
    """One use of a token."""

    token: str = field(repr=False)
    arrival: Arrival
    origin: Origin
    sessions: TokenSessions


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """The decision about one use of a token; ``username`` is None for a token that is not ours."""

    decision: Decision
    username: Username | None
    shared: bool


def feed_position(services: LoginServices) -> FeedPosition:
    """Returns the position of the feed; read it before the password is checked.

    What is published while it is checked then ends the token.

    Raises:
        StorageError: The database does not answer.
    """
    with services.database.read_connection() as connection:
        return FeedPosition(*feed.position(connection))


def use_token(use: TokenUse, services: LoginServices, tokens: Tokens) -> TokenLogin:
    """Decides about one use of a token, and writes it to the journal of logins.

    A token that is not ours, or over, is not written: a page shows it again and again by itself, and staff
    would read that somebody typed a wrong password.

    Raises:
        StorageError: The database does not answer; no token opens anything without it.
    """
    now = services.clock()
    grant = tokens.read(use.token, now=now)
    if grant is None:
        return TokenLogin(policy.NOT_OURS, None, shared=False)
    if grant.shared and not _may_be_its_page(use, grant, now):
        return TokenLogin(policy.SESSION_ENDED, grant.username, shared=True)
    with services.database.write_connection() as connection:
        decision = _settle(connection, grant, use, services)
    return TokenLogin(decision, grant.username, grant.shared)


def _may_be_its_page(use: TokenUse, grant: Grant, now: datetime) -> bool:
    """Tells whether it is the organiser's page that shows the token of a shared device.

    The browser keeps the address with the token in its history, for whoever uses the device next.
    """
    match use.sessions:
        case TokenSessions.OPEN:
            return True
        case TokenSessions.NONE:
            return abs(now - grant.issued_at) < SHARED_FOR  # the clocks of two services may differ
        case TokenSessions.OVER:
            return False


def _settle(connection: Connection, grant: Grant, use: TokenUse, services: LoginServices) -> Decision:
    now = services.clock()
    today = now.astimezone(services.timezone).date()
    found = credentials.find_credential(connection, grant.username, lock=True)
    if found is None:
        return policy.SESSION_ENDED
    account = found.account
    decision = policy.judge(account, checked_version=account.credential_version, today=today)
    if _has_ended(connection, grant, is_suspended=decision.verdict is Verdict.SUSPENDED):
        return policy.SESSION_ENDED
    entry = journal.Entry(use.arrival, use.origin, organiser_id=found.organiser_id, unknown_name=None)
    journal.write_attempt(connection, entry, decision, now=now)
    if decision.verdict is Verdict.GRANTED and found.last_login_on != today:
        journal.date_login(connection, found.organiser_id, today)
    return decision


def _has_ended(connection: Connection, grant: Grant, *, is_suspended: bool) -> bool:
    """Tells whether the organiser was logged out since, or may have been: the feed does not go back so far.

    By the order of the commits: no clock decides whether a login was before the end of all logins, and none
    that was ahead keeps a token alive until that end is purged.  The present suspension ends its tokens too,
    but tells those who show one why; nothing is published while it goes on, so it is the last of the ends.
    """
    ((ends,),) = _ENDS.all(connection, username=grant.username, after=grant.position.last_id)
    # Afterwards: an end that is purged in between would else be seen in neither.
    purged_to, _ = feed.bounds(connection)
    epoch, _ = feed.position(connection)
    is_known = epoch == grant.position.epoch and grant.position.last_id >= purged_to
    return not is_known or ends > (1 if is_suspended else 0)
