"""One-time codes by the clock, at every boundary."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from authbridge.staff import totp
from authbridge.staff.totp import matching_step, wrong_clock_step

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: "12345678901234567890"
STEP = 59_000_000
BEGIN = datetime.fromtimestamp(STEP * 30, UTC)
CODE = pyotp.TOTP(RFC_SECRET).generate_otp(STEP)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        pytest.param(59, "287082", id="1970"),
        pytest.param(1111111109, "081804", id="2005"),
        pytest.param(2000000000, "279037", id="2033"),
        pytest.param(20000000000, "353130", id="2603"),
    ],
)
def test_the_values_of_the_standard(moment: int, code: str) -> None:
    """RFC 6238, appendix B, the last six digits."""
    assert matching_step(RFC_SECRET, code, datetime.fromtimestamp(moment, UTC), None) == moment // 30


@pytest.mark.parametrize(
    ("seconds", "matches"),
    [
        pytest.param(-30.001, False, id="more than a step too early"),
        pytest.param(-30, True, id="a step too early"),
        pytest.param(0, True, id="its first moment"),
        pytest.param(29.999, True, id="its last moment"),
        pytest.param(59.999, True, id="the end of the next step"),
        pytest.param(60, False, id="a step too late"),
    ],
)
def test_a_code_counts_in_its_step_and_the_ones_beside(seconds: float, matches: bool) -> None:  # noqa: FBT001 - a table
    """Ninety seconds in all."""
    at = BEGIN + timedelta(seconds=seconds)
    assert matching_step(RFC_SECRET, CODE, at, None) == (STEP if matches else None)


@pytest.mark.parametrize(
    ("last_step", "matches"),
    [
        pytest.param(None, True, id="none was used"),
        pytest.param(STEP - 1, True, id="the one before was used"),
        pytest.param(STEP, False, id="it was used"),
        pytest.param(STEP + 1, False, id="a later one was used"),
    ],
)
def test_no_code_counts_twice(last_step: int | None, matches: bool) -> None:  # noqa: FBT001 - a table
    """Nor one that is older than the last."""
    assert matching_step(RFC_SECRET, CODE, BEGIN, last_step) == (STEP if matches else None)


def test_a_code_that_was_told_to_come_too_early_stays_wrong() -> None:
    """Its own step refuses it too: a guesser must not learn a code that will be right."""
    assert matching_step(RFC_SECRET, CODE, BEGIN, None, void_step=STEP) is None
    assert matching_step(RFC_SECRET, CODE, BEGIN, None, void_step=STEP - 1) == STEP


@pytest.mark.parametrize(
    ("steps", "is_told"),
    [
        pytest.param(-21, False, id="more than ten minutes ahead"),
        pytest.param(-20, True, id="ten minutes ahead"),
        pytest.param(-2, True, id="a minute ahead"),
        pytest.param(-1, False, id="right: a step ahead"),
        pytest.param(0, False, id="right"),
        pytest.param(1, False, id="right: a step behind"),
        pytest.param(2, True, id="a minute behind"),
        pytest.param(20, True, id="ten minutes behind"),
        pytest.param(21, False, id="more than ten minutes behind"),
    ],
)
def test_a_code_of_a_wrong_clock_is_recognised(steps: int, is_told: bool) -> None:  # noqa: FBT001 - a table
    """Up to ten minutes either way, and never where the code is right or may be."""
    at = BEGIN + timedelta(seconds=30 * steps)
    assert wrong_clock_step(RFC_SECRET, CODE, at, None) == (STEP if is_told else None)
    if is_told:
        assert matching_step(RFC_SECRET, CODE, at, None) is None, "never accepted for it"


def test_a_used_code_says_nothing_of_the_clock() -> None:
    """A code that was right some minutes ago and is typed again is no sign of a slow clock."""
    at = BEGIN + timedelta(minutes=5)
    assert wrong_clock_step(RFC_SECRET, CODE, at, STEP) is None
    assert wrong_clock_step(RFC_SECRET, CODE, at, STEP - 1) == STEP


@pytest.mark.parametrize("typed", [f" {CODE[:3]} {CODE[3:]}\n", f"\u00a0{CODE}", " ".join(CODE)])
def test_blanks_do_not_matter(typed: str) -> None:
    """The app shows them."""
    assert matching_step(RFC_SECRET, typed, BEGIN, None) == STEP


@pytest.mark.parametrize("typed", ["", CODE[:5], CODE + "0", "abcdef", "ä" * 6, "\udcff", "vpgd-kxwj-rhms"])
def test_what_is_no_code_matches_nothing(typed: str) -> None:
    """And raises nothing."""
    assert matching_step(RFC_SECRET, typed, BEGIN, None) is None


def test_a_new_secret_is_random_and_can_be_read_by_an_app() -> None:
    """160 bits; the address in the QR code names us and her."""
    secret = totp.new_secret()
    address = urlsplit(totp.provisioning_uri(secret, "anna.schmidt"))

    assert secret != totp.new_secret()
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/AuthBridge:anna.schmidt")
    assert parse_qs(address.query) == {"secret": [secret], "issuer": ["AuthBridge"]}
    assert len(secret) == 32
    assert totp.in_groups("ABCDEFGHIJ") == "ABCD EFGH IJ"
