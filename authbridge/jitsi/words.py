"""Writes the documents that Jitsi's page reads through ``config.dynamicBrandingUrl``.

The first names a bundle of labels for each language, which the page merges over its own translation.  Keys
as jitsi-meet has them in lang/main-de.json (commit 00c47a56) and uses them in LoginDialog.tsx (06b67dcf):

* ``dialog.incorrectPassword`` is shown for every SASL failure;
* ``dialog.connectErrorWithMsg`` for any other end of the connection, with ``{{msg}}`` put in before nested
  labels are looked up.  So one label picks another one by the condition of a stream error, with which our
  Prosody module tells the page why (``page_refusal.lib.lua``).
"""

import html
from enum import StrEnum
from pathlib import Path
from typing import Any

from authbridge.errors import ConfigError
from authbridge.letters import Language, read_line

_LONGEST_HELP = 200  # characters: a sentence or two
_INSTRUCTIONS = ("{{", "$t(")  # i18next would read them as such


class Transport(StrEnum):
    """The way by which Jitsi's page reaches Prosody; over BOSH it has one sentence for every refusal."""

    WEBSOCKET = "websocket"
    BOSH = "bosh"


# The first word is what lib-jitsi-meet calls the end of the connection, the second its condition: one of
# page_refusal.lib.lua, or what becomes of an e-mail address that somebody types as a login name, whose
# domain the page takes for the server.  What Prosody 13 says of that is "no mechanism" to strophe.js.
_CAUSES = {
    "droppedError policy-violation": "suspended",
    "droppedError not-authorized": "expired",
    "droppedError resource-constraint": "locked",
    "droppedError remote-connection-failed": "unavailable",
    "otherError host-unknown": "foreign",
    "otherError improper-addressing": "foreign",
    "otherError no-auth-mech": "no mechanism",
}

_SENTENCES = {
    Language.GERMAN: {
        "refused": "Anmeldename oder Passwort stimmt nicht. Bitte tippen Sie beides vom Brief ab.",
        "refused over BOSH": (
            "Die Anmeldung ist nicht gelungen. Meist stimmt der Anmeldename oder das Passwort nicht: "
            "Bitte tippen Sie beides vom Brief ab. Sonst ist der Zugang gesperrt oder abgelaufen, oder "
            "die Anmeldung kann gerade nicht geprüft werden: Bitte versuchen Sie es in einigen Minuten "
            "noch einmal."
        ),
        "suspended": "Dieser Zugang ist gesperrt.",
        "expired": "Dieser Zugang ist abgelaufen. Bitte lassen Sie ihn verlängern.",
        "locked": (
            "Mit diesem Namen, oder von hier aus, wurde zu oft ein falsches Passwort eingegeben. Bitte "
            "warten Sie einige Minuten und versuchen Sie es dann noch einmal."
        ),
        "unavailable": (
            "Die Anmeldung kann gerade nicht geprüft werden. Das liegt nicht an Ihnen. Bitte versuchen Sie "
            "es gleich noch einmal."
        ),
        "foreign": (
            "Das ist kein Anmeldename. Bitte geben Sie den Anmeldenamen vom Brief ein, keine E-Mail-Adresse."
        ),
        "no mechanism": (
            "Hier kann man sich so nicht anmelden. Bitte geben Sie den Anmeldenamen vom Brief ein, keine "
            "E-Mail-Adresse."
        ),
        "else": (
            "Die Verbindung ist nicht gelungen. Bitte versuchen Sie es gleich noch einmal. Für die Technik:"
        ),
        "help": "Hilfe bekommen Sie bei Ihrem Medienzentrum.",
    },
    Language.ENGLISH: {
        "refused": "Login name or password is wrong. Please type both as they stand on the letter.",
        "refused over BOSH": (
            "The login did not work. Most often the login name or the password is wrong: please type both "
            "as they stand on the letter. Otherwise the access is suspended or has expired, or the login "
            "cannot be checked right now: please try again in a few minutes."
        ),
        "suspended": "This access is suspended.",
        "expired": "This access has expired. Please have it extended.",
        "locked": (
            "A wrong password was entered too often with this name, or from here. Please wait a few "
            "minutes and try again then."
        ),
        "unavailable": (
            "The login cannot be checked right now. This is not your fault. Please try again in a moment."
        ),
        "foreign": (
            "This is not a login name. Please enter the login name from the letter, not an e-mail address."
        ),
        "no mechanism": (
            "Nobody can log in here like this. Please enter the login name from the letter, not an e-mail "
            "address."
        ),
        "else": "The connection did not work. Please try again in a moment. For the technicians:",
        "help": "Your media centre helps you.",
    },
}
_LACK_NO_HELP = frozenset({"foreign", "else", "help"})


def branding(folder: str) -> dict[str, Any]:
    """Returns the document for ``config.dynamicBrandingUrl``; ``folder``: the address of the bundles."""
    return {"labels": {str(language): f"{folder}/labels-{language}.json" for language in Language}}


def refusal(cause: str, language: Language) -> str:
    """Returns why a login failed, as Jitsi's page says it; ``cause``: a verdict of the login policy."""
    return _SENTENCES[language][cause]


def labels(language: Language, help_line: str | None, transport: Transport) -> dict[str, Any]:
    """Returns the bundle of that language; ``help_line`` ends most sentences, None for one that ships."""
    said = _SENTENCES[language]
    helping = html.escape(help_line or said["help"], quote=False)  # the page shows it as HTML

    def sentence(cause: str) -> str:
        words = said[cause]
        return words if cause in _LACK_NO_HELP else f"{words} {helping}"

    refused = "refused over BOSH" if transport is Transport.BOSH else "refused"
    otherwise = f"{said['else']} {{{{msg}}}}"
    return {
        "dialog": {
            "incorrectPassword": sentence(refused),
            "connectErrorWithMsg": f'$t(authbridge.{{{{msg}}}}, {{"defaultValue": "{otherwise}"}})',
        },
        "authbridge": {"connection": {key: sentence(cause) for key, cause in _CAUSES.items()}},
    }


def read_help(folder: Path | None, language: Language) -> str | None:
    """Reads the operator's line about help, ``help.LANGUAGE.md`` beside the texts of the letters.

    Raises:
        ConfigError: The file cannot be used; its sentence names the file and the reason.
    """
    name = f"help.{language}.md"
    line = read_line(folder, name)
    if line is None:
        return None
    if len(line) > _LONGEST_HELP:
        raise ConfigError(f"{name}: this has more than {_LONGEST_HELP} characters.")
    if any(instruction in line for instruction in _INSTRUCTIONS):
        raise ConfigError(f"{name}: “{{{{” and “$t(” cannot be shown by Jitsi's page.")
    return line
