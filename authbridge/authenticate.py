"""The one login flow, from the attempt as it reached us to the decision."""

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, update

from authbridge import journal, queries, usernames
from authbridge.clock import Clock
from authbridge.database import Database
from authbridge.models import Organiser, table_of
from authbridge.passwords import Hasher, StoredPassword
from authbridge.policy import Attempt, Decision, Verdict, judge
from authbridge.prepared import Prepared

_organisers = table_of(Organiser)
_RENEW_HASH = Prepared(
    update(_organisers)
    .where(
        _organisers.c.id == bindparam("organiser_id"),
        _organisers.c.credential_version == bindparam("checked_version"),
    )
    .values(password_hash=bindparam("renewed"))
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What every login needs besides the attempt itself."""

    database: Database
    hasher: Hasher
    clock: Clock
    timezone: ZoneInfo
    host: str
    secret_key: bytes = field(repr=False)


def authenticate(attempt: Attempt, origin: journal.Origin, setting: Setting) -> Decision:
    """Whether this organiser may open a meeting now.

    The attempt is on record before the password is checked, no transaction is open while it is
    checked, and the account's state counts as it is afterwards: a suspension that arrives meanwhile
    wins.  Raises :class:`authbridge.errors.StorageError`: nobody gets in without the database.
    """
    username = usernames.canonical(attempt.username, setting.host)

    with setting.database.recording() as connection:
        found = queries.find_credential(connection, username)
        unknown_name = None if found else journal.unknown_name_key(setting.secret_key, username)
        attempt_id = journal.open_attempt(
            connection,
            attempt,
            origin,
            organiser_id=found.organiser_id if found else None,
            unknown_name=unknown_name,
        )

    stored = None if found is None else found.stored
    matched = setting.hasher.matches(attempt.password, stored)
    renewed = _renew(attempt.password, stored, setting.hasher) if matched else None

    with setting.database.recording() as connection:
        now = setting.clock()
        today = now.astimezone(setting.timezone).date()
        current = queries.find_credential(connection, username, lock=True)
        decision = judge(
            None if current is None else current.account,
            checked_version=found.account.credential_version if found and matched else None,
            today=today,
        )
        journal.close_attempt(connection, attempt_id, decision, now=now)
        if current is not None and decision.verdict is Verdict.GRANTED:
            _note_success(connection, current, today, renewed)
    return decision


def _renew(password: str, stored: StoredPassword | None, hasher: Hasher) -> StoredPassword | None:
    if stored is None or not hasher.is_outdated(stored):
        return None
    return hasher.hash(password, generated=stored.generated)


def _note_success(
    connection: Connection, current: queries.Credential, today: date, renewed: StoredPassword | None
) -> None:
    if current.last_login_on != today:
        journal.date_login(connection, current.organiser_id, today)
    if renewed is not None:
        _RENEW_HASH.run(
            connection,
            organiser_id=current.organiser_id,
            checked_version=current.account.credential_version,
            renewed=renewed.hash,
        )
