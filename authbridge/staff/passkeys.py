"""Answers whether a passkey is the one that a member of staff has registered here (WebAuthn, W3C level 2).

A passkey is a second factor beside the app: it signs a challenge for our own address alone, so that a copied
page at another address gets nothing.  py_webauthn reads and verifies what browsers send.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from authbridge.errors import InputError
from authbridge.staff.encryption import StaffEncryption

_NAME = "AuthBridge"
_CHALLENGE = 32  # bytes; the standard wants 16 at least
_LONGEST_ANSWER = 16_384  # characters; a browser sends some 1,000
_LONGEST_ID = 1023  # bytes, by the standard
_LONGEST_LABEL = 40
# A key that is left in the computer should want more than a touch, where it can.
_VERIFICATION = UserVerificationRequirement.PREFERRED


@dataclass(frozen=True, slots=True)
class Site:
    """The address of the panel, for which alone a passkey counts."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was just made."""

    label: str
    credential_id: str
    public_key: bytes = field(repr=False)
    sign_count: int


def site_of(url: str) -> Site | None:
    """Returns the site at that address; None where browsers allow no passkeys: at a bare IP address."""
    host = urlsplit(url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return Site(host, url)
    return None


def new_challenge() -> bytes:
    """Returns random bytes for a passkey to sign, once."""
    return secrets.token_bytes(_CHALLENGE)


def registration_options(
    site: Site, name: str, known_ids: Sequence[str], challenge: bytes, encryption: StaffEncryption
) -> str:
    """Returns what the browser needs to make a passkey, as JSON; ``known_ids`` are those that exist."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=_NAME,
        user_name=name,
        user_id=bytes.fromhex(encryption.digest("passkey-owner", name)),
        challenge=challenge,
        exclude_credentials=_descriptors(known_ids),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,  # it is never the only thing that is asked for
            user_verification=_VERIFICATION,
        ),
    )
    return options_to_json(options)


def authentication_options(site: Site, known_ids: Sequence[str], challenge: bytes) -> str:
    """Returns what the browser needs to use one of these passkeys, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        allow_credentials=_descriptors(known_ids),
        user_verification=_VERIFICATION,
    )
    return options_to_json(options)


def read_new_passkey(site: Site, challenge: bytes, answer: str, label: str) -> NewPasskey:
    """Reads what the browser answered to :func:`registration_options`.

    Raises:
        InputError: It is no passkey, or not for this challenge and address; or the label cannot be accepted.
    """
    parsed = parse_label(label)
    try:
        made = webauthn.verify_registration_response(
            credential=answer[:_LONGEST_ANSWER],
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except Exception:  # noqa: BLE001 - the parsers beneath raise errors of many kinds for a malformed answer
        raise InputError("This passkey could not be read. Please try again.") from None
    if len(made.credential_id) > _LONGEST_ID:
        raise InputError("This passkey could not be read. Please try again.")
    credential_id = bytes_to_base64url(made.credential_id)
    return NewPasskey(parsed, credential_id, made.credential_public_key, made.sign_count)


def credential_id_of(answer: str) -> str | None:
    """Returns which passkey the browser says that it has used; None if it says nothing readable."""
    try:
        credential = webauthn.helpers.parse_authentication_credential_json(answer[:_LONGEST_ANSWER])
    except Exception:  # noqa: BLE001 - as above
        return None
    return credential.id


def next_sign_count(
    site: Site, challenge: bytes, answer: str, *, public_key: bytes, sign_count: int
) -> int | None:
    """Returns the sign count to store if that passkey has signed the challenge for this address; else None.

    A passkey that counts and has not counted on is refused: it is a copy, or there is one (level 2, 6.1.1).
    """
    try:
        used = webauthn.verify_authentication_response(
            credential=answer[:_LONGEST_ANSWER],
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
    except Exception:  # noqa: BLE001 - as above; whatever cannot be verified is refused
        return None
    return used.new_sign_count


def parse_label(typed: str) -> str:
    """Returns the label of a passkey, by which its owner knows it.

    Raises:
        InputError: It is empty, too long, or holds signs that cannot be seen.
    """
    label = " ".join(typed.split())
    if not 0 < len(label) <= _LONGEST_LABEL or not label.isprintable():
        raise InputError("A passkey's name has 1 to 40 characters.")
    return label


def _descriptors(ids: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in ids]
