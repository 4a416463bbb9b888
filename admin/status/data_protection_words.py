"""The record of processing in words: whose data, who sees it, for how long; and the values of its rows."""

from datetime import date, datetime, timedelta
from typing import assert_never

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from admin.panel import current_panel
from admin.status.audit_words import details_in_words, in_words
from admin.status.login_strip import outcome_in_words
from admin.web.i18n import day, moment
from authbridge.config import Config
from authbridge.data_protection.account_access import Row
from authbridge.data_protection.descriptions import (
    Audience,
    DataSubject,
    Keeping,
    KeptFor,
    Months,
    roles_of,
)
from authbridge.login.diagnosis import outcome_of
from authbridge.login.policy import Verdict
from authbridge.schools.commands import report_codes
from authbridge.storage.models import Role

_SUBJECTS = {
    DataSubject.ORGANISER: _l("organisers"),
    DataSubject.STAFF: _l("members of staff"),
    DataSubject.SCHOOL: _l("schools"),
    DataSubject.NOBODY: _l("nobody"),
}

_ROLES = {Role.ADMIN: _l("Management"), Role.CLERK: _l("Administration"), Role.AUDITOR: _l("Inspection")}

_CODES = {
    "misuse": _l("misuse"),
    "letter-lost": _l("letter lost"),
    "left-school": _l("left the school"),
    "school-head": _l("head of the school"),
    "organiser": _l("organiser"),
    "media-centre": _l("media centre"),
    "other": _l("other"),
    "confirmed": _l("confirmed"),
    "unfounded": _l("unfounded"),
    "unclear": _l("unclear"),
    "suspend": _l("suspend"),
    "reinstate": _l("reinstate"),
    "end_sessions": _l("log out everywhere"),
}


def subject_in_words(subject: DataSubject) -> str:
    """Returns whose data it is."""
    return str(_SUBJECTS[subject])


def role_in_words(role: Role) -> str:
    """Returns the name of a role."""
    return str(_ROLES[role])


def audience_in_words(audience: Audience) -> str:
    """Returns who sees it in the panel."""
    match audience:
        case Audience.PROGRAM:
            return _("nobody, only the program")
        case Audience.OWNER:
            return _("only the person themself")
        case Audience.EVERY_ROLE:
            return _("all roles")
        case Audience.INSPECTORS | Audience.APPOINTERS:
            return ", ".join(role_in_words(role) for role in roles_of(audience))
        case _:
            assert_never(audience)


def keeping_in_words(kept: Keeping, config: Config) -> str:
    """Returns for how long it is kept, by the settings of this installation."""
    if not isinstance(kept, KeptFor):
        return _(kept.words)
    period = kept.period(config)
    if not period:
        return _("gone %(since)s", since=_(kept.words))
    usual = _("%(period)s %(since)s", period=period_in_words(period), since=_(kept.words))
    return f"{usual}; {_(kept.unless_words)}" if kept.unless_words else usual


def period_in_words(period: timedelta | Months) -> str:
    """Returns a number of months, of whole days, of hours, or of minutes below one hour."""
    if isinstance(period, Months):
        return ngettext("%(num)s month", "%(num)s months", period.number)
    hours = round(period / timedelta(hours=1))
    if period < timedelta(hours=1):
        minutes = round(period / timedelta(minutes=1))
        return ngettext("%(num)s minute", "%(num)s minutes", minutes)
    if hours % 24:
        return ngettext("%(num)s hour", "%(num)s hours", hours)
    return ngettext("%(num)s day", "%(num)s days", hours // 24)


def value_in_words(name: str, row: Row) -> str:
    """Returns the value of that column as a reader of an access request understands it; "" for none."""
    value = row[name]
    match name:
        case "verdict":
            return outcome_in_words(outcome_of(None if value is None else Verdict(value)))
        case "action":
            return str(_CODES[value]) if value in _CODES else in_words(value)
        case "detail":
            return details_in_words(row["action"], value)
        case "reason" | "reported_by" | "result":
            return str(_CODES.get(value, value or ""))
        case _:
            return _plain_value_in_words(value)


def _plain_value_in_words(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return moment(value)
        case date():
            return day(value)
        case _:
            return str(value)


def settings_in_words(*, is_sqlite: bool) -> list[tuple[str, str, str]]:
    """Returns the settings that matter for data protection: name ("": it is fixed), what it says, value."""
    config = current_panel().config
    on_off = {True: _("on"), False: _("off")}
    kind = _("SQLite, a file on this machine") if is_sqlite else _("PostgreSQL, a server of the operator")
    return [
        (
            "RETENTION_DAYS",
            _("How long journal and addresses are kept"),
            period_in_words(timedelta(days=config.retention_days)),
        ),
        (
            "LIMIT_ACCOUNT_WINDOW",
            _("How long a failed login counts"),
            period_in_words(config.limits.account_window),
        ),
        (
            "LIMIT_KNOWN_GOOD",
            _("How long a network is known from which a name logged in"),
            period_in_words(config.limits.known_good),
        ),
        (
            "REMEMBER_CREDENTIALS",
            _("Checked passwords remembered in memory, as keyed hashes, never on disk"),
            on_off[config.remember_credentials],
        ),
        (
            "LIMIT_REMEMBERED",
            _("For how long at most, since the last use"),
            period_in_words(config.limits.remembered),
        ),
        (
            "PANEL_IDLE_MINUTES",
            _("After how long an unused session of the panel ends"),
            period_in_words(config.panel_idle),
        ),
        (
            "BCRYPT_COST",
            _("How hard the hash of a password is to guess (each step doubles the work)"),
            str(config.bcrypt_cost),
        ),
        ("", _("How long a code for reporting misuse counts"), period_in_words(report_codes.KEPT)),
        ("TIMEZONE", _("Where days begin and end"), config.timezone.key),
        ("DATABASE_URL", _("Where the data lie"), kind),
        (
            "LETTER_DIR",
            _("Texts of the operator, such as the legal basis"),
            _("the operator's own") if config.letter_dir else _("those that ship: please replace them"),
        ),
    ]
