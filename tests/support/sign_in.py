"""The panel's sign-in over a fresh database, and addresses from which it is tried."""

from typing import TypeVar

from sqlalchemy import ColumnElement, select

from authbridge.audit import POLICY
from authbridge.login import lockouts
from authbridge.login.lockouts import Lockout
from authbridge.login.networks import parse_address
from authbridge.login.policy import Decision, Verdict
from authbridge.staff import sessions
from authbridge.staff.sessions import PanelSession
from authbridge.staff.sign_in import Caller, Outcome, confirm_code, sign_in, verify_invitation
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent, Base
from tests.support.factories import IDLE, KEYED_HASHES, LIMITS, Member, make_sign_in_services
from tests.support.fakes import CountingHasher, FakeClock

_Row = TypeVar("_Row", bound=Base)

OFFICE, CAFE = "198.51.100.7", "203.0.113.9"
BOTNET = [f"203.0.113.{number}" for number in range(10, 250)]
GRANTED, REFUSED, LOCKED, SUSPENDED = Verdict.GRANTED, Verdict.REFUSED, Verdict.LOCKED, Verdict.SUSPENDED


class Panel:
    """The panel over a fresh database, at a moment of ours."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.hasher = CountingHasher()
        self.services = make_sign_in_services(database, hasher=self.hasher, clock=self.clock)
        self.guessed = 0
        self.device: str | None = None

    def password(self, name: str, password: str, ip: str | None = OFFICE) -> Outcome:
        """The first step."""
        return sign_in(name, password, self.caller(ip), self.services)

    def caller(self, ip: str | None) -> Caller:
        """Somebody there, in a browser that may be a device."""
        return Caller(parse_address(ip), "browser", self.device)

    def guess(self, name: str, ip: str | None = OFFICE) -> Decision:
        """A password that nobody tried before."""
        self.guessed += 1
        return self.password(name, f"wrong {self.guessed}", ip).decision

    def guesses(self, name: str, times: int, ip: str | None = OFFICE) -> list[Verdict]:
        """So many at one moment."""
        return [self.guess(name, ip).verdict for _ in range(times)]

    def visit(self, token: str | None) -> PanelSession | None:
        """The session of that token."""
        assert token is not None
        with self.database.read_session() as session:
            return sessions.find(session, token, idle=IDLE, now=self.clock())

    def visit_of(self, outcome: Outcome) -> PanelSession:
        """The session that began with it."""
        visit = self.visit(outcome.token)
        assert visit is not None
        return visit

    def half(self, member: Member, ip: str | None = OFFICE) -> PanelSession:
        """A session after the password."""
        return self.visit_of(self.password(member.name, member.password, ip))

    def code(self, visit: PanelSession, typed: str, ip: str | None = OFFICE) -> Outcome:
        """The second step."""
        return confirm_code(visit, typed, self.caller(ip), self.services)

    def invitation(self, name: str, code: str, ip: str | None = OFFICE) -> Outcome:
        """The page for the first time."""
        return verify_invitation(name, code, self.caller(ip), self.services)

    def comes_in(self, member: Member, ip: str | None = OFFICE) -> PanelSession:
        """Both steps, with a code of this half minute."""
        return self.visit_of(self.code(self.half(member, ip), member.code(self.clock()), ip))

    def known(self, member: Member, ip: str | None = OFFICE) -> str:
        """Both steps; what makes the browser one of hers."""
        outcome = self.code(self.half(member, ip), member.code(self.clock()), ip)
        assert outcome.device is not None
        return outcome.device

    def waits(self) -> list[Lockout]:
        """The list of who waits."""
        with self.database.read_session() as session:
            return lockouts.list_lockouts(session, KEYED_HASHES, now=self.clock(), limits=LIMITS)

    def rows(self, model: type[_Row], *conditions: ColumnElement[bool]) -> list[_Row]:
        """The rows of a table, in some order."""
        with self.database.read_session() as session:
            return list(session.scalars(select(model).where(*conditions)))

    def alarms(self) -> list[tuple[str, str]]:
        """What admins were told, oldest first."""
        events = sorted(self.rows(AuditEvent, AuditEvent.actor == POLICY), key=lambda event: event.id)
        return [(event.action, event.subject) for event in events]
