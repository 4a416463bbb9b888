"""Every command on schools and organisers, each as a call that changes something."""

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authbridge.audit import Action
from authbridge.login import commands as lockout_commands
from authbridge.login.usernames import SchoolCode, Username
from authbridge.misuse import commands as misuse
from authbridge.misuse.blocking import BlockRequest, block
from authbridge.misuse.commands import MisuseDescription
from authbridge.revocations import commands as node_commands
from authbridge.schools.commands import organisers, report_codes, schools, selections, suspensions, terms
from authbridge.schools.commands.imports import (
    ImportedCredential,
    SchoolLine,
    import_organisers,
    import_schools,
)
from authbridge.schools.commands.report_codes import make_report_code
from authbridge.schools.commands.school_year import change_school_year
from authbridge.schools.commands.suspensions import SuspensionDescription
from authbridge.schools.school_year import SchoolCalendar
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.schools.year_plans import YearPlan
from authbridge.storage.database import Database
from authbridge.storage.models import (
    AuditEvent,
    Base,
    MisuseReport,
    ReportCode,
    Reporter,
    ReportResult,
    SuspensionReason,
)
from tests.support.factories import ACTOR, HASHER, KEYED_HASHES, TODAY
from tests.support.fakes import MORNING
from tests.support.letters import make_terms

Command = Callable[[Session], object]


LOST = SuspensionReason.LETTER_LOST
SEPTEMBER = date(2027, 9, 30)
YEAR = YearPlan("run", "ohg", SchoolCalendar(TODAY, (9, 30)), SEPTEMBER, others_until=SEPTEMBER)
DESCRIPTION = SuspensionDescription(LOST, Reporter.SCHOOL_HEAD, "UNMISTAKABLE-NOTE")
TOLD = MisuseDescription(Reporter.SCHOOL_HEAD, "heute", "UNMISTAKABLE-REPORT")


def imported(line: int, school: str, username: str) -> ImportedCredential:
    """A line of a file."""
    stored = HASHER.hash("Geheim", generated=False)
    return ImportedCredential(line, school, Username(username), stored)


def commands(username: str) -> dict[Action, Command]:
    """Every command there is, once, as something that changes something."""
    (password,) = organisers.make_passwords(1, HASHER, former_until=TODAY)
    code = make_report_code(KEYED_HASHES)
    who: dict[str, Any] = {"actor": ACTOR, "now": MORNING}
    return {
        Action.SCHOOL_ADD: lambda s: schools.add_school(s, "gsw", "Grundschule", **who),
        Action.SCHOOL_CHANGE: lambda s: schools.change_school(s, "ohg", name="Anders", **who),
        Action.SCHOOL_IMPORT: lambda s: import_schools(
            s,
            [
                SchoolLine(2, SchoolCode("gsw"), {"name": "Grundschule"}),
                SchoolLine(3, SchoolCode("ohg"), {"contract_on": TODAY, "trusted_networks": ["10.1.0.0/16"]}),
            ],
            **who,
        ),
        Action.SCHOOL_SUSPEND: lambda s: suspensions.suspend(s, SCHOOL, "ohg", reason=LOST, **who),
        Action.SCHOOL_REINSTATE: lambda s: suspensions.reinstate(s, SCHOOL, "ohg", **who),
        Action.SCHOOL_CHANGE_YEAR: lambda s: change_school_year(s, YEAR, keyed_hashes=KEYED_HASHES, **who),
        Action.ORGANISER_ISSUE: lambda s: organisers.issue_organisers(
            s, "ohg", [password], valid_until=None, **who
        ),
        Action.ORGANISER_IMPORT: lambda s: import_organisers(s, [imported(2, "ohg", "frau.a")], **who),
        Action.ORGANISER_RESET: lambda s: organisers.reset_password(
            s, username, password, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.ORGANISER_VOID_FORMER: lambda s: organisers.void_former_password(s, username, **who),
        Action.ORGANISER_CHANGE_VALIDITY: lambda s: organisers.change_validity(
            s, username, date(2027, 7, 31), today=TODAY, **who
        ),
        Action.ORGANISER_END_SESSIONS: lambda s: organisers.end_sessions(s, username, **who),
        Action.ORGANISER_SUSPEND: lambda s: suspensions.suspend(s, ORGANISER, username, reason=LOST, **who),
        Action.ORGANISER_REINSTATE: lambda s: suspensions.reinstate(s, ORGANISER, username, **who),
        Action.ORGANISER_DESCRIBE_SUSPENSION: lambda s: suspensions.describe(
            s, ORGANISER, username, DESCRIPTION, **who
        ),
        Action.SCHOOL_DESCRIBE_SUSPENSION: lambda s: suspensions.describe(
            s, SCHOOL, "ohg", DESCRIPTION, **who
        ),
        Action.ORGANISER_DELETE: lambda s: organisers.delete_organiser(
            s, username, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.ORGANISERS_RESET: lambda s: selections.reset_selection(
            s, {username: password}, seen=None, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.ORGANISERS_CHANGE_VALIDITY: lambda s: selections.expire_selection(
            s, [username], seen=None, today=TODAY, **who
        ),
        Action.ORGANISERS_UNDO_VALIDITY: lambda s: selections.undo_selection(
            s, latest_event(s, Action.ORGANISERS_CHANGE_VALIDITY), today=TODAY, **who
        ),
        Action.ORGANISERS_SUSPEND: lambda s: selections.suspend_selection(s, [username], **who),
        Action.ORGANISERS_REINSTATE: lambda s: selections.reinstate_selection(
            s, [username], seen=None, **who
        ),
        Action.ORGANISERS_END_SESSIONS: lambda s: selections.end_sessions_of_selection(s, [username], **who),
        Action.ORGANISER_CLEAR_LOCKOUT: lambda s: lockout_commands.clear_name(
            s, username, keyed_hashes=KEYED_HASHES, **who
        ),
        Action.NETWORK_CLEAR_LOCKOUT: lambda s: lockout_commands.clear_network(
            s, "198.51.100.7", of_staff_too=True, **who
        ),
        Action.MISUSE_REPORT: lambda s: misuse.report_misuse(s, ORGANISER, username, TOLD, **who),
        Action.MISUSE_REPORT_AND_SUSPEND: lambda s: misuse.report_and_suspend(
            s, ORGANISER, username, TOLD, **who
        ),
        Action.MISUSE_BLOCK: lambda s: block(
            s, code.hash, BlockRequest(code.plain, Username(username)), today=TODAY, now=MORNING
        ),
        Action.MISUSE_CLOSE: lambda s: misuse.close_report(
            s, s.scalars(select(MisuseReport.id)).one(), ReportResult.UNCLEAR, "Anruf", **who
        ),
        Action.REPORT_CODE_ISSUE: lambda s: report_codes.issue_report_code(
            s, "ohg", code, today=TODAY, **who
        ),
        Action.REPORT_CODE_WITHDRAW: lambda s: report_codes.withdraw_report_code(
            s, "ohg", s.scalars(select(ReportCode.id)).one_or_none() or 0, **who
        ),
        Action.JOURNAL_LOOK: lambda s: lockout_commands.note_look(s, {"outcome": "refused"}, **who),
        Action.NODE_FORGET: lambda s: node_commands.forget_node(s, "node-a", **who),
        Action.TERMS_SEND: lambda s: terms.send_terms(s, make_terms(), None, today=TODAY, **who),
    }


def latest_event(session: Session, action: Action) -> int:
    """The id of the latest event of that action."""
    return session.scalars(select(func.max(AuditEvent.id)).where(AuditEvent.action == action)).one()


def actions(database: Database) -> list[str]:
    """The audit, oldest first."""
    with database.read_session() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def run(database: Database, command: Command) -> None:
    """One command in its transaction."""
    with database.write_session() as session:
        command(session)


def set_quota(database: Database, quota: int) -> None:
    """How many accounts the school may have."""
    with database.write_session() as session:
        schools.change_school(session, "ohg", quota=quota, actor=ACTOR, now=MORNING)


def count(database: Database, model: type[Base]) -> int:
    """How many rows there are."""
    with database.read_session() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
