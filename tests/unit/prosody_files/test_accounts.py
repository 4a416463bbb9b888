"""Accounts in the layouts of Prosody 0.9 to 0.11, whose passwords are known.

The bytes are what ``util/datamanager.lua`` and ``util/serialization.lua`` of 0.9.14, 0.10.3 and 0.11.14 wrote
under Lua 5.1 of such accounts; those of 0.12 and 13 are made by these Prosodys in the end-to-end tests.
"""

import pytest

from authbridge.login.scram_keys import ScramKey
from authbridge.prosody_files.accounts import HashedPassword, read_account

HASHED = b"""return {
\t["iteration_count"] = 4096;
\t["stored_key"] = "2f410c2fbe5928748a8e38eca0c5f03190ab953d";
\t["salt"] = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4be1";
\t["server_key"] = "45abfe14dbf2944c0dcfa69e4ce987d4573c87cc";
};
"""


def plain(quoted: bytes) -> bytes:
    """A file of ``internal_plain``, all versions; ``quoted`` as that version quotes a text."""
    return b'return {\n\t["password"] = "' + quoted + b'";\n};\n'


def test_a_hashed_account_of_each_version() -> None:
    """Its key is that of the password."""
    account = read_account("h%2eumlauts.dat", "h.umlauts", HASHED)

    assert isinstance(account.password, HashedPassword)
    hashed = account.password
    key = ScramKey.of_account(hashed.stored_key, hashed.salt, hashed.iterations)
    assert key.is_of("Grüße aus Łódź ß".encode())
    assert not key.is_of(b"Gruesse aus Lodz")
    assert not account.disabled


@pytest.mark.parametrize(
    ("until_0_10", "of_0_11", "password"),
    [
        (b"Sommerferien", b"Sommerferien", "Sommerferien"),
        (b"  zwei  W\xc3\xb6rter ", rb"  zwei  W\195\182rter ", "  zwei  Wörter "),
        (b"\\\"';]]--\\\\%s $(x)", b"\\\"\\';]]--\\\\%s $(x)", "\"';]]--\\%s $(x)"),
        (b"a\tb\\nc\\rd'e", b"a\\tb\\nc\\rd\\'e", "a\tb\nc\rd'e"),
    ],
)
def test_a_plain_account_of_each_version(until_0_10: bytes, of_0_11: bytes, password: str) -> None:
    """Until 0.10 a text is quoted by Lua's ``%q``, since 0.11 byte by byte."""
    for quoted in (until_0_10, of_0_11):
        assert read_account("p.dat", "p", plain(quoted)).password == password
