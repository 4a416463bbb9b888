"""Describes what is kept to reach the meeting servers, and of the service itself."""

from sqlalchemy import String, cast

from authbridge import deletion_records
from authbridge.data_protection.descriptions import (
    N_,
    Audience,
    DataSubject,
    KeptFor,
    KeptUntil,
    KeptWith,
    TableDescription,
    fixed,
)
from authbridge.data_protection.descriptions import ColumnDescription as Column
from authbridge.doctor import reports as machine_reports
from authbridge.revocations import feed, reports, rule_counts
from authbridge.revocations.commands import forget_node
from authbridge.storage.models import (
    JobRun,
    MachineReport,
    ProsodyNode,
    Revocation,
    RevocationDone,
    RevocationFeed,
    RuleCount,
    StoredDeletionRecord,
    SyntheticLogin,
)
from authbridge.synthetic_login import records as synthetic_logins

TABLES = (
    TableDescription(
        Revocation,
        N_("Orders to the meeting servers"),
        N_("To end running sessions and meetings at once."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        KeptFor(fixed(feed.KEPT), Revocation.at, N_("after the order"), feed.purge_batch),
        {
            "id": Column(N_("number of the order"), is_internal=True),
            "username": Column(N_("login name"), is_internal=True),
            "action": Column(N_("order")),
            "at": Column(N_("moment of the order")),
            "suspension_id": Column(N_("suspension that it is about"), is_internal=True),
        },
        Revocation.at,
    ),
    TableDescription(
        RevocationDone,
        N_("Orders carried out"),
        N_("To show staff that an access has really ended."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        KeptWith(Revocation, N_("as long as the order")),
        {
            "revocation_id": Column(N_("number of the order"), is_internal=True),
            "node": Column(N_("meeting server")),
            "at": Column(N_("moment at which it was carried out")),
            "sessions": Column(N_("number of sessions that it ended")),
            "meetings": Column(N_("number of meetings that it ended")),
            "logins": Column(N_("number of remembered logins that it deleted")),
            "waiting": Column(N_("number of remembered logins still to be deleted")),
        },
        RevocationDone.at,
    ),
    TableDescription(
        RevocationFeed,
        N_("Position of the orders"),
        N_("To send each order to each server once."),
        DataSubject.NOBODY,
        Audience.PROGRAM,
        KeptUntil(N_("overwritten by the next one")),
        {
            "epoch": Column(N_("random number of this database")),
            "last_id": Column(N_("number of the last order")),
            "purged_to": Column(N_("number of the last order that is deleted")),
        },
    ),
    TableDescription(
        ProsodyNode,
        N_("Meeting servers"),
        N_("To see whether the servers answer, and what a suspension would end."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptUntil(N_("until staff forget the server"), forget_node),
        {
            "node": Column(N_("name of the server")),
            "cursor": Column(N_("number of the last order that it carried out"), audience=Audience.PROGRAM),
            "last_seen_at": Column(N_("last contact")),
            "meetings": Column(
                N_("number of running meetings per account; no names, no rooms"),
                subject=DataSubject.ORGANISER,
                kept=KeptFor(
                    fixed(reports.SILENT),
                    ProsodyNode.last_seen_at,
                    N_("after the last contact; else overwritten each half minute"),
                    reports.purge,
                    cast(ProsodyNode.meetings, String) != "{}",  # PostgreSQL compares no JSON
                ),
            ),
            "opened_run": Column(
                N_("run of the server whose opened meetings are counted"), audience=Audience.PROGRAM
            ),
            "opened_number": Column(
                N_("number of its last report of opened meetings and rules"), audience=Audience.PROGRAM
            ),
        },
        ProsodyNode.last_seen_at,
    ),
    TableDescription(
        RuleCount,
        N_("Meeting rules"),
        N_("To see how often each rule steps in; no rooms, no persons."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptFor(fixed(rule_counts.KEPT), RuleCount.day, N_("after the day"), rule_counts.purge),
        {
            "day": Column(N_("day")),
            "rule": Column(N_("rule")),
            "times": Column(N_("how often it stepped in on that day")),
        },
        RuleCount.day,
    ),
    TableDescription(
        MachineReport,
        N_("Server checks"),
        N_("To see whether each server is set up as it must be."),
        DataSubject.NOBODY,
        Audience.INSPECTORS,
        KeptFor(
            fixed(machine_reports.KEPT),
            MachineReport.examined_at,
            N_("after the last check of that server; else overwritten by the next one"),
            machine_reports.purge,
        ),
        {
            "machine": Column(N_("name of the server")),
            "examined_at": Column(N_("moment of the check")),
            "findings": Column(N_("what was found: files, settings and counts; no persons")),
        },
        MachineReport.examined_at,
    ),
    TableDescription(
        StoredDeletionRecord,
        N_("Deletion records"),
        N_("To prove that everything is deleted in time: numbers and oldest rows of the tables, no persons."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptFor(
            fixed(deletion_records.KEPT),
            StoredDeletionRecord.day,
            N_("after the day"),
            deletion_records.purge,
        ),
        {
            "day": Column(N_("day")),
            "made_at": Column(N_("moment of the deletion")),
            "log_emptied": Column(N_("whether the log of the database was emptied, too")),
            "tables": Column(N_("number of rows, oldest row and limit of each table")),
            "logs": Column(N_("what the last server check found of the servers' logs")),
        },
        StoredDeletionRecord.made_at,
    ),
    TableDescription(
        SyntheticLogin,
        N_("Synthetic logins"),
        N_("To notice that nobody can log in before a teacher does: the program tries it itself."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptFor(
            fixed(synthetic_logins.KEPT),
            SyntheticLogin.at,
            N_("after the synthetic login"),
            synthetic_logins.purge,
        ),
        {
            "id": Column(N_("internal number"), audience=Audience.PROGRAM),
            "machine": Column(N_("name of the server")),
            "at": Column(N_("moment of the login")),
            "username": Column(
                N_("name of an account for this one login; empty after it"), audience=Audience.PROGRAM
            ),
            "password_hash": Column(
                N_("bcrypt hash of its password; empty after it"), audience=Audience.PROGRAM
            ),
            "outcome": Column(N_("outcome")),
            "detail": Column(N_("what exactly the server answered"), audience=Audience.INSPECTORS),
            "milliseconds": Column(N_("milliseconds that it took"), audience=Audience.PROGRAM),
        },
        SyntheticLogin.at,
    ),
    TableDescription(
        JobRun,
        N_("Recurring jobs"),
        N_("To notice that old data is not deleted any more."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptUntil(N_("overwritten by the next one")),
        {
            "name": Column(N_("name of the job"), audience=Audience.PROGRAM),
            "done_at": Column(N_("moment at which it last succeeded")),
            "position": Column(
                N_("number of the last login that the statistics have counted"), audience=Audience.PROGRAM
            ),
        },
        JobRun.done_at,
    ),
)
