"""The passkeys of the person at this browser: what to ask the browser for, and what it answered."""

from flask import request

from admin.panel import current_panel, now
from admin.session.sessions import current_session
from authbridge.staff import passkey_commands, passkeys
from authbridge.staff.passkeys import NewPasskey, Site
from authbridge.staff.sign_in import PasskeyAnswer

FIELD = "passkey"
"""The field in which the page's script puts what the browser answered."""


def site() -> Site | None:
    """Returns the panel's address, for which passkeys count; None if browsers allow none there."""
    return passkeys.site_of(current_panel().config.panel_url or "")


def sign_in_options() -> str | None:
    """Returns what the browser needs to use a passkey of this person; None if there is none."""
    here = site()
    known = [] if here is None else _known_ids()
    return None if here is None or not known else passkeys.authentication_options(here, known, _challenge())


def registration_options() -> str | None:
    """Returns what the browser needs to make a passkey for this person; None where it cannot."""
    here, own = site(), current_session()
    if here is None:
        return None
    encryption = current_panel().sign_in.encryption
    return passkeys.registration_options(here, own.name, _known_ids(), _challenge(), encryption)


def was_used() -> bool:
    """Tells whether this form shows a passkey instead of a code."""
    return request.method == "POST" and FIELD in request.form


def shown() -> PasskeyAnswer | None:
    """Returns the answer of the browser with the challenge that it had; None if that is over."""
    here, challenge = site(), _taken_challenge()
    if here is None or challenge is None:
        return None
    return PasskeyAnswer(here, challenge, request.form.get(FIELD, ""))


def made(label: str) -> NewPasskey | None:
    """Returns the passkey that the browser has made; None if its challenge is over.

    Raises:
        InputError: It is none, or its label cannot be accepted.
    """
    here, challenge = site(), _taken_challenge()
    if here is None or challenge is None:
        return None
    return passkeys.read_new_passkey(here, challenge, request.form.get(FIELD, ""), label)


def _known_ids() -> list[str]:
    with current_panel().database.read_session() as session:
        return passkey_commands.credential_ids(session, current_session().staff_id)


def _challenge() -> bytes:
    challenge = passkeys.new_challenge()
    current_panel().challenges.put(current_session().id_hash, challenge, now=now())
    return challenge


def _taken_challenge() -> bytes | None:
    return current_panel().challenges.take(current_session().id_hash, now=now())
