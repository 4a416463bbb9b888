"""Each change by staff leaves exactly one audit event; a command that changes nothing leaves none."""

import pytest
from sqlalchemy import select

from authbridge.audit import Action
from authbridge.errors import ImportFileError
from authbridge.login.authenticate import authenticate
from authbridge.revocations import reports
from authbridge.revocations.reports import Contact
from authbridge.schools.commands import organisers
from authbridge.schools.commands.imports import import_organisers
from authbridge.schools.lookup import list_organisers
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent
from tests.support.factories import (
    ACTOR,
    HASHER,
    KEYED_HASHES,
    make_attempt,
    make_organiser,
    make_origin,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING
from tests.support.school_commands import actions, commands, imported, run

# Each of these does something anew, or is told that there is nothing left to do it to.
NEVER_REPEATS = {
    Action.SCHOOL_ADD,
    Action.ORGANISER_ISSUE,
    Action.ORGANISER_IMPORT,
    Action.ORGANISER_RESET,
    Action.ORGANISER_DELETE,
    Action.ORGANISER_END_SESSIONS,
    Action.ORGANISERS_RESET,
    Action.ORGANISERS_END_SESSIONS,
    Action.NODE_FORGET,
    Action.MISUSE_REPORT,
    Action.MISUSE_REPORT_AND_SUSPEND,
    Action.MISUSE_CLOSE,
    Action.REPORT_CODE_ISSUE,
    Action.TERMS_SEND,
}
BEFORE = {
    Action.SCHOOL_REINSTATE: Action.SCHOOL_SUSPEND,
    Action.SCHOOL_DESCRIBE_SUSPENSION: Action.SCHOOL_SUSPEND,
    Action.ORGANISER_VOID_FORMER: Action.ORGANISER_RESET,
    Action.ORGANISER_REINSTATE: Action.ORGANISER_SUSPEND,
    Action.ORGANISER_DESCRIBE_SUSPENSION: Action.ORGANISER_SUSPEND,
    Action.ORGANISERS_REINSTATE: Action.ORGANISERS_SUSPEND,
    Action.ORGANISERS_UNDO_VALIDITY: Action.ORGANISERS_CHANGE_VALIDITY,
    Action.MISUSE_BLOCK: Action.REPORT_CODE_ISSUE,
    Action.MISUSE_CLOSE: Action.MISUSE_REPORT,
    Action.REPORT_CODE_WITHDRAW: Action.REPORT_CODE_ISSUE,
}


# What staff do to colleagues, what two of them hold, a restore, and what gives data out, are told in tests of
# their own.
@pytest.mark.parametrize(
    "action",
    [
        each
        for each in Action
        if not each.startswith(("staff:", "hold:", "backup:")) and each is not Action.ORGANISER_EXPORT
    ],
)
def test_a_command_writes_exactly_one_audit_event(database: Database, action: Action) -> None:
    """Who did it, when, to whom; and a second time, where nothing changes, writes none."""
    make_school(database)
    username = make_organiser(database).username
    every = commands(username)
    run(database, lambda s: reports.note_contact(s, Contact("node-a", None, 0), now=MORNING))
    if action in BEFORE:
        run(database, every[BEFORE[action]])
    authenticate(
        make_attempt(username, "x", ip="198.51.100.7"), make_origin(), make_services(database), within=9
    )
    already = actions(database)

    run(database, every[action])

    assert actions(database) == [*already, action]
    if action not in NEVER_REPEATS:
        run(database, every[action])
        assert actions(database) == [*already, action]


def test_no_audit_event_holds_a_password_or_a_hash(database: Database) -> None:
    """The audit may be read by anybody who is allowed to see who did what."""
    make_school(database)
    issued = make_organiser(database)
    (password,) = organisers.make_passwords(1, HASHER)
    with database.write_session() as session:
        organisers.reset_password(
            session, issued.username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        )
        import_organisers(session, [imported(2, "ohg", "frau.a")], actor=ACTOR, now=MORNING)

    with database.read_session() as session:
        everything = repr([(event.subject, event.detail) for event in session.scalars(select(AuditEvent))])
    for secret in (issued.password, password.plain, "Geheim", "$2b$"):
        assert secret not in everything


def test_a_failed_command_leaves_nothing_behind(database: Database) -> None:
    """All of a file is taken over or none of it, and the audit says nothing of what did not happen."""
    make_school(database)
    already = actions(database)
    lines = [imported(2, "ohg", "frau.a"), imported(3, "gibt", "frau.b"), imported(4, "ohg", "frau.a")]

    with pytest.raises(ImportFileError) as raised, database.write_session() as session:
        import_organisers(session, lines, actor=ACTOR, now=MORNING)

    assert [line for line, _ in raised.value.faults] == [3, 4]
    assert actions(database) == already
    with database.read_session() as session:
        assert list_organisers(session) == []
