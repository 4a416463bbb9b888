"""Staff's secrets at rest."""

import pytest

from authbridge.errors import ConfigError
from authbridge.staff.encryption import StaffEncryption
from authbridge.staff.one_time_codes import CodePurpose, hash_code, make_invitation, make_recovery_codes
from authbridge.staff.totp import new_secret
from tests.support.factories import ENCRYPTION, SECRET_KEY

OTHER = StaffEncryption(b"o" * 32)


def test_what_is_sealed_comes_back() -> None:
    """Under the same key, in another process too; sealed it fits its column and shows nothing."""
    secret = new_secret()

    sealed = ENCRYPTION.seal(secret)

    assert secret not in sealed
    assert len(sealed) <= 200
    assert ENCRYPTION.seal(secret) != sealed
    assert StaffEncryption(SECRET_KEY).unseal(sealed) == secret


def test_another_key_file_is_said() -> None:
    """Not “wrong code”: the administrator has to do something."""
    with pytest.raises(ConfigError, match="secret key file"):
        OTHER.unseal(ENCRYPTION.seal("JBSWY3DPEHPK3PXP"))


def test_what_a_former_key_sealed_is_read_and_sealed_anew() -> None:
    """Under the new key alone from then on."""
    sealed = ENCRYPTION.seal("JBSWY3DPEHPK3PXP")
    both = StaffEncryption(b"o" * 32, SECRET_KEY)

    assert both.unseal(sealed) == "JBSWY3DPEHPK3PXP"
    assert (ENCRYPTION.is_current(sealed), both.is_current(sealed)) == (True, False)
    assert OTHER.unseal(both.seal(both.unseal(sealed))) == "JBSWY3DPEHPK3PXP"


def test_a_digest_is_worth_nothing_elsewhere() -> None:
    """Neither under another key nor for another purpose."""
    one = ENCRYPTION.digest("invitation", "vpgdkxwjrhms")

    assert len(one) == 64
    assert one == StaffEncryption(SECRET_KEY).digest("invitation", "vpgdkxwjrhms")
    assert one not in {
        ENCRYPTION.digest("recovery", "vpgdkxwjrhms"),
        ENCRYPTION.digest("invitation", "vpgdkxwjrhmt"),
        OTHER.digest("invitation", "vpgdkxwjrhms"),
    }


@pytest.mark.parametrize("typed", ["vpgd-kxwj-rhms", "VPGD kxwj rhms", "vpgdkxwjrhms", " vpgd–kxwj–rhms\n"])
def test_a_code_counts_however_it_is_typed(typed: str) -> None:
    """Hyphens, blanks and capitals are for the eye."""
    expected = hash_code(ENCRYPTION, CodePurpose.RECOVERY, "vpgd-kxwj-rhms")
    assert hash_code(ENCRYPTION, CodePurpose.RECOVERY, typed) == expected


@pytest.mark.parametrize("typed", ["", "\0", "\udcff", "x" * 10_000, "---", "🎉" * 30])
def test_what_can_be_no_code_is_none(typed: str) -> None:
    """No error, and no code that there is."""
    codes = make_recovery_codes(ENCRYPTION)
    assert hash_code(ENCRYPTION, CodePurpose.RECOVERY, typed) not in codes.hashes


def test_codes_are_shown_once_and_in_no_repr() -> None:
    """Ten on a sheet, each another."""
    codes, invitation = make_recovery_codes(ENCRYPTION), make_invitation(ENCRYPTION)

    assert len(set(codes.codes)) == len(set(codes.hashes)) == 10
    shown = repr(codes) + repr(invitation)
    for secret in (*codes.codes, *codes.hashes, invitation.code, invitation.code_hash):
        assert secret not in shown
