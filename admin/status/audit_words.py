"""The words of the audit: what was done, and its details."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from admin.status.login_strip import outcome_in_words
from admin.web.i18n import day
from authbridge.login.diagnosis import LoginOutcome

TOPICS = {
    "school": _l("Schools"),
    "organiser": _l("Organisers"),
    "organisers": _l("Several organisers at once"),
    "staff": _l("Staff"),
    "network": _l("Networks"),
    "node": _l("Meeting servers"),
    "terms": _l("Terms of use"),
    "service": _l("Login service"),
    "journal": _l("Journal"),
    "misuse": _l("Misuse reports"),
    "hold": _l("Entries held for an incident"),
    "report-code": _l("Codes of heads of schools"),
    "backup": _l("Backups"),
}
"""What an event may be about, by the part of its action before the colon."""

ACTIONS = {
    "school:add": _l("School added"),
    "school:change": _l("School changed"),
    "school:import": _l("Schools imported"),
    "school:suspend": _l("School suspended"),
    "school:reinstate": _l("School reinstated"),
    "school:change-year": _l("School year changed"),
    "school:describe-suspension": _l("Suspension of a school described"),
    "organiser:issue": _l("Access issued"),
    "organiser:import": _l("Access imported"),
    "organiser:reset": _l("New password"),
    "organiser:void-former": _l("Former password ended"),
    "organiser:change-validity": _l("Validity changed"),
    "organiser:suspend": _l("Access suspended"),
    "organiser:reinstate": _l("Access reinstated"),
    "organiser:describe-suspension": _l("Suspension described"),
    "organiser:end-sessions": _l("Logged out everywhere"),
    "organiser:clear-lockout": _l("Wait lifted"),
    "organiser:delete": _l("Access deleted"),
    "organiser:export": _l("Everything about an access given out (Art. 15 GDPR)"),
    "organisers:reset": _l("New passwords for several"),
    "organisers:change-validity": _l("Validity of several changed"),
    "organisers:undo-validity": _l("Change of validity of several undone"),
    "organisers:suspend": _l("Several suspended"),
    "organisers:reinstate": _l("Several reinstated"),
    "organisers:end-sessions": _l("Several logged out everywhere"),
    "organiser:guessed": _l("Many wrong passwords for one login name"),
    "organiser:locked": _l("So many wrong passwords that the login name waits everywhere"),
    "network:clear-lockout": _l("Wait of a network lifted"),
    "network:locked": _l("Many failed logins from one network; it has to wait"),
    "network:sprays": _l("Many login names tried from one network"),
    "network:guesses": _l("Many wrong passwords from a school's own network"),
    "node:forget": _l("Meeting server forgotten"),
    "terms:send": _l("New terms of use printed for schools"),
    "service:guessed": _l("Many failed logins altogether"),
    "journal:look": _l("Looked at the journal"),
    "hold:request": _l("Hold of entries asked for"),
    "hold:confirm": _l("Hold of entries confirmed"),
    "hold:reject": _l("Hold of entries rejected"),
    "hold:end": _l("Hold of entries ended"),
    "misuse:report": _l("Misuse reported"),
    "misuse:report-and-suspend": _l("Misuse reported and suspended"),
    "misuse:block": _l("Blocked with the code of the head of the school"),
    "misuse:close": _l("Misuse report closed"),
    "report-code:issue": _l("Code for the head of the school made"),
    "report-code:withdraw": _l("Code of the head of the school withdrawn"),
    "report-code:guessed": _l("Many wrong codes on the page for heads of schools"),
    "backup:restore": _l("Backup restored"),
    "staff:add": _l("Member of staff added"),
    "staff:reset": _l("Member of staff invited again"),
    "staff:enrol": _l("Member of staff enrolled"),
    "staff:change-role": _l("Role changed"),
    "staff:change-password": _l("Own password changed"),
    "staff:renew-recovery": _l("Own recovery codes renewed"),
    "staff:add-passkey": _l("Own passkey added"),
    "staff:remove-passkey": _l("Own passkey removed"),
    "staff:reseal": _l("Second factor sealed under a new secret key"),
    "staff:suspend": _l("Member of staff suspended"),
    "staff:reinstate": _l("Member of staff reinstated"),
    "staff:delete": _l("Member of staff deleted"),
    "staff:sign-in": _l("Signed in to the panel"),
    "staff:refuse-sign-in": _l("Sign-in to the panel refused"),
    "staff:end-sessions": _l("Signed out of the panel everywhere"),
    "staff:clear-lockout": _l("Wait of a member of staff lifted"),
    "staff:guessed": _l("Many wrong passwords at the panel"),
    "staff:locked": _l("So many wrong passwords that a member of staff waits"),
    "staff:code-refused": _l("Wrong code after the right password at the panel"),
}
"""What was done, by the action; alarms are among them."""

_FIELDS = {
    "name": _l("name"),
    "street": _l("street"),
    "place": _l("place"),
    "mailbox": _l("e-mail"),
    "contract_on": _l("processing contract"),
    "quota": _l("quota"),
    "trusted_networks": _l("networks"),
}

_VALUES = {
    "misuse": _l("misuse"),
    "letter-lost": _l("letter lost"),
    "left-school": _l("left the school"),
    "other": _l("another reason"),
    "confirmed": _l("it was misuse"),
    "unfounded": _l("it was no misuse"),
    "unclear": _l("it remains unclear"),
    "admin": _l("Management"),
    "clerk": _l("Administration"),
    "auditor": _l("Inspection"),
}


def in_words(action: str) -> str:
    """Returns what was done; an action without words as it stands in the audit."""
    return str(ACTIONS.get(action, action))


def details_in_words(action: str, detail: Mapping[str, Any]) -> str:
    """Returns the details that help a reader, on one line."""
    changed = [str(_FIELDS[name]) for name in detail if name in _FIELDS and action.endswith(":change")]
    said = [_("changed: %(fields)s", fields=", ".join(changed))] if changed else []
    looked_for = _looked_for(detail) if action == "journal:look" else ()
    return "; ".join([*_known(detail), *said, *looked_for])


def _known(detail: Mapping[str, Any]) -> Iterator[str]:
    for name, in_words_of in _DETAILS.items():
        if name in detail and (said := in_words_of(detail[name])):
            yield said


def _day(iso: str) -> str:
    return day(date.fromisoformat(iso))


def _value(value: str | None) -> str:
    return str(_VALUES.get(value, value)) if value else ""


_STEPS = {
    "Password": _l("wrong password, or a wait"),
    "Code": _l("wrong code, or a wait"),
    "Invitation": _l("wrong code of an invitation, or a wait"),
}

_DETAILS: Mapping[str, Callable[[Any], str]] = {
    "usernames": lambda names: ngettext("%(num)s organiser", "%(num)s organisers", len(names)),
    "schools": lambda codes: ngettext("%(num)s school", "%(num)s schools", len(codes)),
    "added": lambda codes: (
        ngettext("%(num)s school added", "%(num)s schools added", len(codes)) if codes else ""
    ),
    "changed": lambda codes: (
        ngettext("%(num)s school changed", "%(num)s schools changed", len(codes)) if codes else ""
    ),
    "terms_version": lambda number: _("version %(number)s", number=number) if number else "",
    "print_job": lambda id_: _("print job %(id)s", id=id_) if id_ else "",
    "valid_until": lambda iso: _("valid until %(day)s", day=_day(iso)) if iso else _("no end"),
    "former_until": lambda iso: _("former password until %(day)s", day=_day(iso)),
    "taken_at": lambda iso: _("as of %(day)s", day=day(datetime.fromisoformat(iso))) if iso else "",
    "report": lambda number: _("report %(number)s", number=number) if number else "",
    "role": _value,
    "step": lambda step: str(_STEPS[step]),
    "reason": _value,
    "result": _value,
    "hold": lambda number: _("hold %(number)s", number=number) if number else "",
    "held_days": lambda days: ngettext("for %(num)s day", "for %(num)s days", days),
    "school": lambda code: _("school %(code)s", code=code) if code else "",
}
"""What is said of a detail, by its name; an empty text where there is nothing to say."""


def _looked_for(detail: Mapping[str, str]) -> Iterator[str]:
    if detail.get("q"):
        yield str(detail["q"])
    if detail.get("unknown"):
        yield _("unknown names only")
    if detail.get("outcome"):
        yield outcome_in_words(LoginOutcome(detail["outcome"]))
    if detail.get("day"):
        yield day(date.fromisoformat(detail["day"]))
