"""Makes codes of staff that count once: invitations and recovery codes, both like ``vpgd-kxwj-rhms``.

They are shown once; the database has their keyed hashes.  49 random bits, so neither needs a slow hash.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from authbridge.login.passwords import generate_password
from authbridge.login.typed_passwords import parse_password
from authbridge.staff.encryption import StaffEncryption

RECOVERY_CODES = 10


class CodePurpose(StrEnum):
    """The purpose of a code, for which alone it counts."""

    INVITATION = "invitation"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation that was just made; ``code`` is shown once and kept nowhere."""

    code: str = field(repr=False)
    code_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewRecoveryCodes:
    """The codes on one sheet; ``codes`` are shown once and kept nowhere."""

    codes: tuple[str, ...] = field(repr=False)
    hashes: tuple[str, ...] = field(repr=False)


def make_invitation(encryption: StaffEncryption) -> NewInvitation:
    """Makes an invitation that belongs to nobody yet."""
    code = generate_password()
    return NewInvitation(code, hash_code(encryption, CodePurpose.INVITATION, code))


def make_recovery_codes(encryption: StaffEncryption) -> NewRecoveryCodes:
    """Makes a new sheet of ten recovery codes."""
    codes = tuple(generate_password() for _ in range(RECOVERY_CODES))
    return NewRecoveryCodes(codes, tuple(hash_code(encryption, CodePurpose.RECOVERY, code) for code in codes))


def hash_code(encryption: StaffEncryption, purpose: CodePurpose, typed: str) -> str:
    """Returns the keyed hash of a code as typed; a text that cannot be a code gives a hash that no code has.

    Hyphens, blanks and capitals do not matter, and an e counts as a c.
    """
    form = parse_password(typed).as_generated
    return encryption.digest(purpose, "" if form is None else form.decode())
