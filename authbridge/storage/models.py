"""Defines the tables; no behaviour.  ``migrations/`` creates them."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import JSON


class SuspensionReason(StrEnum):
    """The reason for which somebody suspended an organiser or a school."""

    MISUSE = "misuse"
    LETTER_LOST = "letter-lost"
    LEFT_SCHOOL = "left-school"
    OTHER = "other"


class Reporter(StrEnum):
    """The role of the person who asked for a suspension, never a name."""

    SCHOOL_HEAD = "school-head"
    ORGANISER = "organiser"
    MEDIA_CENTRE = "media-centre"
    OTHER = "other"


class ReportResult(StrEnum):
    """The result with which staff closed a misuse report."""

    CONFIRMED = "confirmed"
    UNFOUNDED = "unfounded"
    UNCLEAR = "unclear"


class Role(StrEnum):
    """The role of a member of staff; see :mod:`authbridge.staff.permissions`."""

    ADMIN = "admin"
    CLERK = "clerk"
    AUDITOR = "auditor"


class SessionStage(StrEnum):
    """How far a session of the panel has come."""

    ENROLLING = "enrolling"  # showed an invitation, has neither password nor factor yet
    PASSWORD = "password"  # noqa: S105 - a stage: the second factor is still to come
    SIGNED_IN = "signed-in"


class RevocationAction(StrEnum):
    """The order to every Prosody about an organiser's sessions."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    END_SESSIONS = "end_sessions"


class MeetingRule(StrEnum):
    """A rule that the meeting server keeps in its rooms."""

    NAMES = "names"
    SCHOOLS = "schools"
    PROTECTION = "protection"
    ENDING = "ending"
    RECORDING = "recording"
    OPENING = "opening"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is a bug and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Converts a moment for the database.

        Raises:
            ValueError: It is naive.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Converts a moment from the database; SQLite returns it without its zone."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables, with names for every constraint so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 - SQLAlchemy's own convention


def _only(condition: str) -> dict[str, Any]:
    """Returns the options of an index that holds only the rows under this condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def table_of(model: type[Base]) -> Table:
    """Returns the bare table, for statements that run without the ORM."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - only a model over a join has none
    return table


class School(Base):
    """A school of the county; ``trusted_networks`` are CIDR strings.

    ``mailbox`` is a role address, ``contract_on`` the day of the contract on data processing (AVV), ``quota``
    the number of organisers that it may have.  ``revision`` counts the changes: a form that was filled in
    from an older one overwrites nothing.  ``terms_version`` is the latest version of the terms of use that
    was sent to the school on a sheet of its own.
    """

    __tablename__ = "schools"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(6))
    name: Mapped[str] = mapped_column(String(200))
    trusted_networks: Mapped[list[str]] = mapped_column(JSON, default=list)
    suspended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    street: Mapped[str] = mapped_column(String(200), default="")
    place: Mapped[str] = mapped_column(String(200), default="")
    mailbox: Mapped[str] = mapped_column(String(254), default="")
    contract_on: Mapped[date | None]
    quota: Mapped[int] = mapped_column(default=50)
    revision: Mapped[int] = mapped_column(default=1)
    terms_version: Mapped[int | None] = mapped_column(ForeignKey("terms_versions.number"))

    organisers: Mapped[list["Organiser"]] = relationship(back_populates="school")

    __table_args__ = (UniqueConstraint("code"),)


class Organiser(Base):
    """An account that may open meetings; no personal name, the school knows who holds the letter.

    ``password_hash`` is bcrypt's; or, until the first login of an account that was taken over from a Prosody,
    that Prosody's :class:`SCRAM key <authbridge.login.scram_keys.ScramKey>`.
    ``print_job_id`` is the number on the letter with the present password; None where none was printed.
    ``previous_hash`` is the former password where it still counts, until the end of ``previous_until``.
    ``counted_in`` is the first day of the latest month for which the statistics count the account as active.
    """

    __tablename__ = "organisers"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64))
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    password_hash: Mapped[str] = mapped_column(String(160))
    password_generated: Mapped[bool]
    quick_check: Mapped[str | None] = mapped_column(String(10))
    print_job_id: Mapped[str | None] = mapped_column(
        ForeignKey("print_jobs.id", ondelete="SET NULL"), index=True
    )
    credential_version: Mapped[int] = mapped_column(default=1)
    previous_hash: Mapped[str | None] = mapped_column(String(160))
    previous_generated: Mapped[bool | None]
    previous_quick_check: Mapped[str | None] = mapped_column(String(10))
    previous_until: Mapped[date | None]
    valid_until: Mapped[date | None]
    suspended_at: Mapped[datetime | None]
    last_login_on: Mapped[date | None]
    counted_in: Mapped[date | None]
    created_at: Mapped[datetime]

    school: Mapped[School] = relationship(back_populates="organisers")

    __table_args__ = (
        UniqueConstraint("username"),
        Index("ix_organisers_valid_until", "valid_until", "school_id"),  # counted by both for the overview
    )

    def __repr__(self) -> str:
        return f"<Organiser {self.username}>"


Suspendable = Organiser | School
"""What can be suspended."""


class Suspension(Base):
    """A suspension of an organiser or of a school, from ``since`` until ``until`` (None: it goes on).

    ``reason`` is None as long as nobody has said it: staff suspend first and describe later.
    """

    __tablename__ = "suspensions"

    id: Mapped[int] = mapped_column(primary_key=True)
    organiser_id: Mapped[int | None] = mapped_column(ForeignKey("organisers.id"), index=True)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("schools.id"), index=True)
    reason: Mapped[str | None] = mapped_column(String(20))
    reported_by: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(String(200))
    since: Mapped[datetime]
    suspended_by: Mapped[str] = mapped_column(String(80))
    until: Mapped[datetime | None]
    reinstated_by: Mapped[str | None] = mapped_column(String(80))

    __table_args__ = (CheckConstraint("(organiser_id IS NULL) <> (school_id IS NULL)", name="of_one"),)


class Revocation(Base):
    """The feed that every Prosody follows: one order about one organiser's sessions; kept a week.

    It names the organiser without a foreign key, because it outlives them.  ``suspension_id`` is None for
    other reasons than a suspension, and after that was deleted.  Ids come from :class:`RevocationFeed`.
    """

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    username: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(index=True)
    suspension_id: Mapped[int | None] = mapped_column(
        ForeignKey("suspensions.id", ondelete="SET NULL"), index=True
    )


class RevocationFeed(Base):
    """One row: the feed's epoch, its last id, and the last id that is purged.

    ``epoch`` is random, made with the table: ids of another database mean nothing here.  Every transaction
    that publishes locks the row, so ids grow in the order of the commits and never come again.
    """

    __tablename__ = "revocation_feed"

    epoch: Mapped[str] = mapped_column(String(32), primary_key=True)
    last_id: Mapped[int]
    purged_to: Mapped[int]


class RevocationDone(Base):
    """A revocation that a Prosody carried out, and how much that ended; None where it did not count.

    ``waiting`` remembered logins are still to be deleted: jicofo was away, and has not confirmed it yet.
    """

    __tablename__ = "revocations_done"

    revocation_id: Mapped[int] = mapped_column(
        ForeignKey("revocations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    sessions: Mapped[int | None]
    meetings: Mapped[int | None]
    logins: Mapped[int | None]
    waiting: Mapped[int | None]


class ProsodyNode(Base):
    """A Prosody that follows the feed, until it is forgotten; it has carried out everything up to ``cursor``.

    ``cursor`` is None until its first question after its first snapshot.  ``meetings`` has the number of
    meetings that run there now, by the organiser who started them; the key "" stands for names that found no
    room.  ``opened_run`` and ``opened_number`` name the latest report of opened meetings that is counted.
    """

    __tablename__ = "prosody_nodes"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    cursor: Mapped[int | None]
    last_seen_at: Mapped[datetime]
    meetings: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    opened_run: Mapped[str | None] = mapped_column(String(64))
    opened_number: Mapped[int | None]


class RuleCount(Base):
    """How often a meeting rule stepped in on one day, by the operator's clock; kept a year."""

    __tablename__ = "rule_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(16), primary_key=True)
    times: Mapped[int] = mapped_column(BigInteger)


class MachineReport(Base):
    """What the doctor found on a machine when it last looked; kept a month."""

    __tablename__ = "machine_reports"

    machine: Mapped[str] = mapped_column(String(64), primary_key=True)
    examined_at: Mapped[datetime]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


class StoredDeletionRecord(Base):
    """What was left after the deletion of one night, by the operator's clock; kept a year.

    ``log_emptied`` is what :func:`authbridge.storage.rewriting.rewrite` returned.  ``tables`` has the rows,
    the oldest of them and the limit of each table, ``logs`` what the doctor last found of the servers' logs;
    see :mod:`authbridge.data_protection.deletion_records`.
    """

    __tablename__ = "deletion_records"

    day: Mapped[date] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    log_emptied: Mapped[bool]
    tables: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    logs: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


class SyntheticLogin(Base):
    """A login that the program itself tries through Prosody, and what came of it; kept a week.

    ``username`` and ``password_hash`` are those of an account for this login alone; they are empty once it
    has ended.  ``outcome`` is None until then.  ``detail`` says what exactly was answered, ``milliseconds``
    how long the right password took.
    """

    __tablename__ = "synthetic_logins"

    id: Mapped[int] = mapped_column(primary_key=True)
    machine: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    username: Mapped[str | None] = mapped_column(String(64))
    password_hash: Mapped[str | None] = mapped_column(String(160))
    outcome: Mapped[str | None] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(100), default="")
    milliseconds: Mapped[int | None]

    __table_args__ = (UniqueConstraint("username"),)


class TermsVersion(Base):
    """A version of the operator's terms of use, as first printed; ``texts`` by the code of the language."""

    __tablename__ = "terms_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    dated_on: Mapped[date]
    texts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    first_printed_at: Mapped[datetime]


class PrintJob(Base):
    """Letters that were printed at once; ``id`` stands on each of them.

    ``terms_version`` is the version of the terms of use that travelled with them.
    """

    __tablename__ = "print_jobs"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    letters: Mapped[int]
    terms_version: Mapped[int | None] = mapped_column(ForeignKey("terms_versions.number"))


class ReportCode(Base):
    """A one-time code with which the head of a school may block at night, as a keyed hash.

    ``print_job_id`` is the envelope on which it stands.  A used one stays until it expires.
    """

    __tablename__ = "report_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(32))
    print_job_id: Mapped[str | None] = mapped_column(
        ForeignKey("print_jobs.id", ondelete="SET NULL"), index=True
    )
    made_at: Mapped[datetime]
    expires_on: Mapped[date]
    used_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("code_hash"),)


class MisuseReport(Base):
    """A reported misuse of credentials; open until staff close it with a result, gone 90 days after.

    ``organiser_id`` is None where the account is not known, or was deleted.  ``happened`` says when, as it
    was told.  ``reported_by`` is the role of the person.  ``report_code_id`` is the code by which the head of
    the school reported it, ``suspension_id`` the suspension that came of it.
    """

    __tablename__ = "misuse_reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    organiser_id: Mapped[int | None] = mapped_column(
        ForeignKey("organisers.id", ondelete="SET NULL"), index=True
    )
    at: Mapped[datetime] = mapped_column(index=True)
    happened: Mapped[str] = mapped_column(String(80), default="")
    description: Mapped[str] = mapped_column(String(400), default="")
    reported_by: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(80))
    report_code_id: Mapped[int | None] = mapped_column(ForeignKey("report_codes.id", ondelete="SET NULL"))
    suspension_id: Mapped[int | None] = mapped_column(ForeignKey("suspensions.id", ondelete="SET NULL"))
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_by: Mapped[str | None] = mapped_column(String(80))
    result: Mapped[str | None] = mapped_column(String(20))
    result_note: Mapped[str | None] = mapped_column(String(200))


class MonthlyTotal(Base):
    """What the statistics know of a school in one month, kept 36 months; ``month`` is its first day.

    ``accounts`` is the number at its latest count, ``active`` that of accounts with a login in it.
    """

    __tablename__ = "monthly_totals"

    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    accounts: Mapped[int] = mapped_column(default=0)
    active: Mapped[int] = mapped_column(default=0)
    logins: Mapped[int] = mapped_column(default=0)
    meetings: Mapped[int] = mapped_column(default=0)


class Staff(Base):
    """A person of the panel; without password and second factor until they enrol.

    ``factor_secret`` is encrypted under the secret key file; ``factor_step`` is the time step of the last
    code that was used: none counts twice.  ``void_step`` is that of a code that came from a clock too fast.
    """

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    role: Mapped[str] = mapped_column(String(10))
    password_hash: Mapped[str | None] = mapped_column(String(60))
    factor_secret: Mapped[str | None] = mapped_column(String(200))
    factor_step: Mapped[int | None]
    void_step: Mapped[int | None]
    enrolled_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    last_sign_in_on: Mapped[date | None]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("name"),)

    def __repr__(self) -> str:
        return f"<Staff {self.name}>"


class Invitation(Base):
    """The one-time code with which a member of staff enrols, as a keyed hash; one a person."""

    __tablename__ = "invitations"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code that replaces the second factor once, as a keyed hash; deleted when it is used."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))


class Passkey(Base):
    """The public half of a key that a member of staff may show instead of a code.

    ``credential_id`` is base64url, as browsers send it; ``sign_count`` is that of its last use.
    """

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(40))
    credential_id: Mapped[str] = mapped_column(String(1364))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    last_used_on: Mapped[date | None]

    __table_args__ = (UniqueConstraint("credential_id"),)


class StaffSession(Base):
    """A session of the panel, by the hash of its id.

    ``factor_at`` is the moment at which the second factor was last shown, ``pending_secret`` a factor that is
    not yet confirmed (encrypted), ``notices`` the notices for the next page; ``token_hash`` is of the token
    that the browser has now.
    """

    __tablename__ = "staff_sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    factor_at: Mapped[datetime | None]
    pending_secret: Mapped[str | None] = mapped_column(String(200))
    user_agent: Mapped[str | None] = mapped_column(String(256))
    notices: Mapped[list[Any]] = mapped_column(JSON, default=list)
    token_hash: Mapped[str] = mapped_column(String(64))


class AuditEvent(Base):
    """One change: actor, subject and moment; kept a year.  ``detail`` holds no password and no hash."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class LoginAttempt(Base):
    """One line of the journal of logins, kept a week.  ``verdict`` stays empty if the service died meanwhile.

    An unknown name may be a password typed into the wrong field: only a keyed hash of it is kept, in
    ``unknown_name``.
    """

    __tablename__ = "login_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    request_id: Mapped[str] = mapped_column(String(64))
    organiser_id: Mapped[int | None] = mapped_column(ForeignKey("organisers.id", ondelete="CASCADE"))
    unknown_name: Mapped[str | None] = mapped_column(String(32))
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(256))
    transport: Mapped[str] = mapped_column(String(16))
    node: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_login_attempts_organiser_id", "organiser_id", "at"),
        # Only some rows each, so that a usual login writes to neither.
        Index("ix_login_attempts_unknown_name", "unknown_name", **_only("unknown_name IS NOT NULL")),
        Index("ix_login_attempts_verdict", "verdict", "at", **_only("verdict <> 'granted'")),
    )


class RejectedAttempts(Base):
    """The number of logins that were rejected without a hash: one row per pair and minute, kept a week.

    ``organiser_id`` is None for all unknown names together, ``network`` "" where unknown.
    """

    __tablename__ = "rejected_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    minute: Mapped[datetime] = mapped_column(index=True)
    organiser_id: Mapped[int | None] = mapped_column(ForeignKey("organisers.id", ondelete="CASCADE"))
    pair: Mapped[str] = mapped_column(String(64))
    network: Mapped[str] = mapped_column(String(64))
    repeated: Mapped[int]
    locked: Mapped[int]
    unavailable: Mapped[int]

    __table_args__ = (
        UniqueConstraint("minute", "pair", name="uq_rejected_attempts_minute"),
        Index("ix_rejected_attempts_organiser_id", "organiser_id", "minute"),
    )


class Hold(Base):
    """Keeps an organiser's rows of the journal for an incident, from ``since`` to before ``before``.

    One member of staff asks for it, another one confirms it.  It counts until ``kept_until``: before it is
    confirmed, the end of the time for that; after, ``days`` since it was asked for.  ``network`` narrows it
    (CIDR), None: all.
    """

    __tablename__ = "holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    organiser_id: Mapped[int] = mapped_column(ForeignKey("organisers.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime]
    before: Mapped[datetime]
    network: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(200))
    days: Mapped[int] = mapped_column(SmallInteger)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(80))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(80))
    kept_until: Mapped[datetime]


class LoginFailure(Base):
    """A password that was hashed for a name and did not match, or is being hashed; kept a day.

    ``name_key`` is a keyed hash, of known and unknown names alike; ``network`` is "" where unknown.
    The other columns are those of :class:`authbridge.login.failure_history.Failure`.
    """

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    name_key: Mapped[str] = mapped_column(String(32))
    network: Mapped[str] = mapped_column(String(64))
    from_unfamiliar_network: Mapped[bool]
    fingerprint: Mapped[int | None] = mapped_column(SmallInteger)
    wait: Mapped[int]

    __table_args__ = (
        Index("ix_login_failures_name_key", "name_key", "at"),
        Index("ix_login_failures_network", "network", "at"),
        # Else SQLite gives the id of a deleted row to the next one: an attempt whose name staff cleared
        # during its hash would retract the failure of another.
        {"sqlite_autoincrement": True},
    )


class KnownNetwork(Base):
    """A network from which a name succeeded, as one keyed hash; kept a week after the last time."""

    __tablename__ = "known_networks"

    pair_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class NetworkWait(Base):
    """A network from which too many names failed, and the end of its wait; kept a day."""

    __tablename__ = "network_waits"

    network: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]


class AlarmRaised(Base):
    """The latest alarm about one subject, so that staff are not alarmed every minute; kept a day."""

    __tablename__ = "alarms_raised"

    about: Mapped[str] = mapped_column(String(100), primary_key=True)
    at: Mapped[datetime]


class JobRun(Base):
    """The moment at which a recurring job last succeeded, in whichever process.

    ``position`` is the id of the latest row of the journal that the statistics have counted.
    """

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    done_at: Mapped[datetime]
    position: Mapped[int | None]
