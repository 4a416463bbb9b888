"""Decides which mail is due after a synthetic login, remembers what was told, and writes the mail.

    well ── a failure ──> failed once ── another ──> told that it fails ── a success ──> told that it is well
     ^                        │
     └─────── a success ──────┘

A door that lets a wrong password in is told at once.  A mail that cannot be sent is tried at the next run.
"""

import json
import os
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from authbridge.synthetic_login.outcomes import SENTENCES, SyntheticOutcome, SyntheticResult
from authbridge.synthetic_login.records import needed_failures

_SIZE = 200  # bytes of the state, always the same: it is overwritten in place, which a full disk allows


class Alert(StrEnum):
    """What a mail says."""

    FAILS = "fails"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class AlertState:
    """How often in a row it has failed, since when (until a mail says that it is well), and what was told."""

    failures: int = 0
    since: datetime | None = None
    is_told: bool = False


def after(state: AlertState, result: SyntheticResult, *, at: datetime) -> AlertState:
    """Returns the state after one more synthetic login."""
    if result.is_granted:
        return replace(state, failures=0) if state.is_told else AlertState()
    return AlertState(state.failures + 1, state.since or at, state.is_told)


def due(state: AlertState, result: SyntheticResult) -> Alert | None:
    """Returns the mail that is due in that state, after that result."""
    if not result.is_granted and not state.is_told and state.failures >= needed_failures(result.outcome):
        return Alert.FAILS
    return Alert.RECOVERED if result.is_granted and state.is_told else None


def told(state: AlertState, alert: Alert) -> AlertState:
    """Returns the state once that mail is sent."""
    return AlertState() if alert is Alert.RECOVERED else replace(state, is_told=True)


def read_state(file: Path) -> AlertState:
    """Reads the state; a file that is missing or damaged says that nothing was told."""
    try:
        with file.open("rb") as opened:
            fields = json.loads(opened.read(_SIZE))
        since = fields["since"]
        return AlertState(
            int(fields["failures"]),
            None if since is None else datetime.fromisoformat(since),
            fields["is_told"] is True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return AlertState()


def keep_state(file: Path, state: AlertState) -> None:
    """Writes the state.

    Raises:
        OSError: It cannot be written.
    """
    fields = {
        "failures": state.failures,
        "since": None if state.since is None else state.since.isoformat(),
        "is_told": state.is_told,
    }
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.pwrite(descriptor, json.dumps(fields).ljust(_SIZE).encode(), 0)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class AlertSource:
    """What a mail says of the installation: its host, the machine that tried, and the operator's clock."""

    host: str
    machine: str
    timezone: ZoneInfo


def write_mail(
    alert: Alert, state: AlertState, result: SyntheticResult, source: AlertSource, *, at: datetime
) -> EmailMessage:
    """Writes the mail, in German and English; it names servers, never a person."""
    since = (state.since or at).astimezone(source.timezone)
    values = {
        "host": source.host,
        "machine": source.machine,
        "since_de": f"{since:%d.%m.%Y, %H:%M} Uhr",
        "since_en": f"{since:%Y-%m-%d %H:%M}",
        "now": f"{at.astimezone(source.timezone):%H:%M}",
        "outcome_de": GERMAN[result.outcome],
        "outcome_en": SENTENCES[result.outcome],
        "detail": f" ({result.detail})" if result.detail else "",
    }
    subject, body = _MAILS[alert]
    message = EmailMessage()
    message["Subject"] = subject % values
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=source.host)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to answer it
    message.set_content(body % values)
    return message


_MAILS = {
    Alert.FAILS: (
        "%(host)s: Anmeldung gestört / logins fail",
        """\
Auf %(host)s schlägt die Probeanmeldung seit dem %(since_de)s fehl.
%(outcome_de)s%(detail)s

Vermutlich kann zurzeit niemand eine Besprechung beginnen. Auf dem
Server %(machine)s sagt „authbridge doctor“, was fehlt; „authbridge
synthetic-login“ probiert die Anmeldung sofort noch einmal. Sobald die
Anmeldung wieder gelingt, kommt eine weitere Mail, bis dahin keine.

--

On %(host)s the synthetic login has failed since %(since_en)s.
%(outcome_en)s%(detail)s

Probably nobody can open a meeting now. On the server %(machine)s,
“authbridge doctor” says what is wrong; “authbridge synthetic-login”
tries the login again at once. There will be another mail when the login
succeeds again, and none until then.
""",
    ),
    Alert.RECOVERED: (
        "%(host)s: Anmeldung gelingt wieder / logins work again",
        """\
Auf %(host)s gelingt die Probeanmeldung wieder, zuletzt um %(now)s Uhr.
Gestört war sie seit dem %(since_de)s.

--

On %(host)s the synthetic login works again, last at %(now)s.
It had failed since %(since_en)s.
""",
    ),
}

GERMAN = {
    SyntheticOutcome.GRANTED: "Die Anmeldung gelang.",
    SyntheticOutcome.WRONG_GRANTED: (
        "Ein falsches Passwort wurde angenommen: Vielleicht kann jeder Besprechungen beginnen."
    ),
    SyntheticOutcome.REFUSED: "Das richtige Passwort wurde abgelehnt.",
    SyntheticOutcome.UNAVAILABLE: (
        "Der Besprechungsserver konnte das Passwort nicht prüfen: Der Anmeldedienst antwortet ihm nicht oder "
        "ist überlastet."
    ),
    SyntheticOutcome.UNREACHABLE: "Der Besprechungsserver ist nicht erreichbar.",
    SyntheticOutcome.NO_ANSWER: "Der Besprechungsserver hat nicht rechtzeitig geantwortet.",
    SyntheticOutcome.CERTIFICATE: "Das Zertifikat des Besprechungsservers ist nicht gültig.",
    SyntheticOutcome.HTTP_STATUS: "Der Webserver hat die Anmeldung nicht weitergereicht.",
    SyntheticOutcome.UNKNOWN_HOST: (
        "Der Besprechungsserver kennt den Host nicht, auf dem sich Organisatorinnen und Organisatoren "
        "anmelden."
    ),
    SyntheticOutcome.NO_PASSWORD: "Der Besprechungsserver bietet keine Anmeldung mit Passwort an.",
    SyntheticOutcome.UNEXPECTED: "Der Besprechungsserver hat unerwartet geantwortet.",
    SyntheticOutcome.LOST: "Die Anmeldung brach ab, niemand weiß, mit welchem Ergebnis.",
    SyntheticOutcome.NO_DATABASE: "Die Datenbank antwortet nicht.",
}
"""What came of a login, in the words of the panel: a test holds them to its translations."""
