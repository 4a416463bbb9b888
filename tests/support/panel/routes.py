"""Which views the panel has, and for whom: the tests' own list, beside what the views declare."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from flask import Flask
from werkzeug.routing import Rule

from authbridge.storage.models import Role

DOCUMENTS = frozenset({"jitsi_words.show_branding", "jitsi_words.show_labels"})
"""Those that are no pages, but documents for pages of other sites."""

EVERYBODY = DOCUMENTS | {
    "static",
    "auth.sign_in",
    "auth.sign_out",
    "auth.invitation",
    "auth.language",
    "report.block",
    "report.blocked",
    "report.look",
    "report.accessibility",
    "report.imprint",
    "statements.accessibility",
    "statements.imprint",
}
"""The views that are open without signing in."""

WITHOUT_TOKEN = frozenset({"report.block"})
"""The forms without a CSRF token: what is typed into them is the whole authority."""

HALF_WAY = {"auth.sign_in_code": "password", "auth.enrol": "enrolling"}
"""Those open to a session of that stage only."""

OWN_ACCOUNT = frozenset(
    {
        "auth.reauthenticate",
        "account.show",
        "account.stay",
        "account.end_session",
        "account.end_others",
        "account.password",
        "account.recovery",
        "passkeys.add",
        "passkeys.remove",
    }
)
"""What every member of staff may change: the own account."""

READ = frozenset(
    {
        "overview.index",
        "overview.health",
        "overview.meetings",
        "overview.search",
        "schools.index",
        "schools.show",
        "schools.revocation_status",
        "organisers.index",
        "organisers.show",
        "organisers.revocation_status",
        "tables.schools",
        "tables.school",
        "tables.organisers",
        "tables.misuse",
        "misuse.index",
        "misuse.show",
        "meeting_rules.index",
        "report_codes.index",
        "statistics.index",
        "statistics.schools",
        "tables.months",
        "tables.schools_usage",
        "print_jobs.show",
        "print_jobs.hand_out_list",
        "data_protection.show",
        "data_protection.deletion",
        "data_protection.account",
        "data_protection.account_file",
        "school_years.report",
        "school_years.table",
        "terms.index",
        "terms.sent",
    }
)
"""What every member of staff may look at."""

INSPECT = frozenset({"journal.index", "audit.index", "server_check.index", "holds.index"})
"""What auditors and admins look at."""

MANAGE = frozenset(
    {
        "overview.clear_lockout",
        "schools.add",
        "schools.edit",
        "schools.suspend",
        "schools.reinstate",
        "schools.describe",
        "credentials.issue",
        "credentials.reset",
        "organisers.validity",
        "organisers.expire",
        "organisers.end_sessions",
        "organisers.void_former",
        "organisers.delete",
        "organisers.suspend",
        "organisers.reinstate",
        "organisers.describe",
        "misuse.report_organiser",
        "misuse.report_school",
        "misuse.close",
        "report_codes.issue",
        "report_codes.show",
        "report_codes.done",
        "report_codes.over",
        "report_codes.withdraw",
        "selections.suspend",
        "selections.reinstate",
        "selections.end_sessions",
        "selections.extend",
        "selections.expire",
        "selections.reset",
        "selections.undo",
        "school_years.change",
        "school_years.change_many",
        "credentials.show",
        "credentials.over",
        "credentials.progress",
        "credentials.revocation_status",
        "credentials.wipe",
        "credentials.pdf",
        "credentials.files",
        "credentials.letter",
        "credentials.table",
        "credentials.done",
        "imports.organisers",
        "imports.schools",
        "imports.show_organisers",
        "imports.show_schools",
        "imports.run_organisers",
        "imports.run_schools",
        "imports.progress",
        "imports.discard",
        "terms.send",
        "terms.sheets",
    }
)
"""What clerks and admins do."""

APPOINT = frozenset(
    {"overview.forget", "staff.index", "staff.show", "staff.invited", "staff.invitation_over"}
)
"""What only admins see or do."""

UNATTENDED = frozenset(
    {
        "overview.health",
        "overview.meetings",
        "schools.revocation_status",
        "organisers.revocation_status",
        "credentials.over",
        "credentials.progress",
        "credentials.revocation_status",
        "imports.progress",
        "report_codes.over",
        "staff.invitation_over",
    }
)
"""What pages ask for by themselves."""

HOLDS = frozenset({"holds.ask", "holds.confirm", "holds.end"})
"""What auditors and admins do about entries of the journal."""

FRESH = HOLDS | frozenset(
    {
        "account.end_others",
        "account.end_session",
        "account.password",
        "account.recovery",
        "passkeys.add",
        "passkeys.remove",
        "staff.add",
        "staff.role",
        "staff.suspend",
        "staff.reinstate",
        "staff.end_sessions",
        "staff.clear_lockout",
        "staff.reset",
        "staff.delete",
    }
)
"""What asks for a second factor shown within ten minutes; all but the account's and HOLDS are for admins."""

_NOTHING = {
    "code": "none",
    "username": "none-none",
    "name": "nobody",
    "handout_id": "none",
    "print_job": "XXX-XXX",
    "table_id": "none",
    "day": "2000-01-01",
    "event_id": "0",
    "hold_id": "0",
    "run": "none",
    "report_id": "0",
    "code_id": "0",
    "receipt_id": "none",
    "public_id": "none",
    "passkey_id": "0",
    "filename": "panel.css",
    "transport": "websocket",
    "language": "de",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One request to a view, about something that does not exist."""

    endpoint: str
    method: str
    path: str

    @property
    def is_unsafe(self) -> bool:
        """Tells whether the request may change something."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}


def routes(app: Flask) -> Iterator[Route]:
    """Yields a request for each route and method."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield Route(rule.endpoint, method, _path(rule))


def roles_for(endpoint: str) -> frozenset[Role]:
    """Returns the roles that may use the view, once signed in."""
    if endpoint in EVERYBODY | OWN_ACCOUNT | READ:
        return frozenset(Role)
    if endpoint in INSPECT | HOLDS:
        return frozenset({Role.ADMIN, Role.AUDITOR})
    if endpoint in MANAGE:
        return frozenset({Role.ADMIN, Role.CLERK})
    if endpoint in APPOINT | FRESH:
        return frozenset({Role.ADMIN})
    return frozenset()


def _path(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        value = quote(_NOTHING[name])
        path = (
            path.replace(f"<{name}>", value).replace(f"<path:{name}>", value).replace(f"<int:{name}>", value)
        )
    return path
