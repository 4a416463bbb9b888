"""Passwords: how they are made, and what counts as the same one."""

import re
from collections.abc import Callable

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.errors import InputError
from authbridge.login.passwords import Hasher, generate_password
from authbridge.login.saslprep import saslprep
from authbridge.login.typed_passwords import StoredPassword, form_to_store, parse_password

HASHER = Hasher(4)


def test_a_generated_password_suits_paper_and_tablet() -> None:
    """Three groups of four letters that are neither misread nor mistyped."""
    for password in (generate_password() for _ in range(2000)):
        letters = password.replace("-", "")
        assert re.fullmatch(r"[bcdfghjkmnprstvwx]{4}(-[bcdfghjkmnprstvwx]{4}){2}", password)
        assert "rn" not in letters
        assert "vv" not in letters
        assert not re.search(r"(.)\1\1", letters)


def test_generated_passwords_do_not_repeat() -> None:
    """Two thousand draws are two thousand passwords."""
    assert len({generate_password() for _ in range(2000)}) == 2000


@pytest.mark.parametrize(
    "typed",
    [
        "vpgd-kxwj-rhms",
        "vpgdkxwjrhms",
        "VPGD-KXWJ-RHMS",
        " vpgd kxwj\u00a0rhms\t",
        "vpgd\u2013kxwj\u2011rhms",
        "vpgd\u00adkxwjrhms",
    ],
)
def test_a_generated_password_is_matched_however_it_is_typed(typed: str) -> None:
    """Hyphens of any kind, blanks and capitals do not matter."""
    stored = HASHER.hash("vpgd-kxwj-rhms", generated=True)

    assert HASHER.matches(parse_password(typed), stored)


@pytest.mark.parametrize("typed", ["vpgd-kxwj-rhmt", "vpgd-kxwj", "", "vpgd-kxwj-rhms-b", "rhms-kxwj-vpgd"])
def test_another_password_is_not_matched(typed: str) -> None:
    """What differs in a letter is another password."""
    assert not HASHER.matches(parse_password(typed), HASHER.hash("vpgd-kxwj-rhms", generated=True))


@pytest.mark.parametrize("typed", ["vcgd-kxwc-rhmc", "vegd-kxwe-rhme", "VEGD-KXWC-RHME", "vegdkxwcrhmc"])
def test_a_typed_e_counts_as_c(typed: str) -> None:
    """A printed c is easily read as an e, and no generated password has an e."""
    stored = HASHER.hash("vcgd-kxwc-rhmc", generated=True)

    assert HASHER.matches(parse_password(typed), stored)
    assert parse_password(typed).as_generated == b"vcgdkxwcrhmc"


@pytest.mark.parametrize("password", ["qpgd-kxwj-rhmq", "QPGD kxwj rhmq"])
def test_an_older_password_with_a_q_stays_valid(password: str) -> None:
    """Letters that hang on the wall go on working; a q stands for itself alone."""
    stored = HASHER.hash("qpgd-kxwj-rhmq", generated=True)

    assert HASHER.matches(parse_password(password), stored)
    assert not HASHER.matches(parse_password("gpgd-kxwj-rhmg"), stored)


def test_an_e_of_an_imported_password_is_an_e() -> None:
    """Somebody else chose that password, with any letters."""
    stored = HASHER.hash("geheim", generated=False)

    assert HASHER.matches(parse_password("geheim"), stored)
    assert not HASHER.matches(parse_password("gchcim"), stored)


def test_an_imported_password_counts_exactly_as_typed() -> None:
    """Capitals, hyphens and blanks of a chosen password are part of it."""
    stored = HASHER.hash("Geheim - 12", generated=False)

    assert HASHER.matches(parse_password("Geheim - 12"), stored)
    assert not HASHER.matches(parse_password("geheim - 12"), stored)
    assert not HASHER.matches(parse_password("Geheim12"), stored)


def test_an_imported_password_is_matched_in_the_form_prosody_sends() -> None:
    """Prosody applies SASLprep before it asks, so the stored side does too."""
    stored = HASHER.hash("Stra\u00dfe\u00a0\u2168\u00ad", generated=False)

    assert HASHER.matches(parse_password("Stra\u00dfe IX"), stored)


@pytest.mark.parametrize(
    "typed",
    ["x" * 65, "ä" * 33, "a\0b", "\udcff\udcfe", "", "\u0007", "x" * 10_000],
    ids=["65 bytes", "66 bytes of umlauts", "NUL", "no UTF-8", "empty", "control", "huge"],
)
@pytest.mark.parametrize("generated", [True, False])
def test_what_no_password_can_be_is_refused_not_raised(typed: str, *, generated: bool) -> None:
    """Bcrypt's limits are never reached; such a try is an ordinary wrong password."""
    stored = HASHER.hash("vpgd-kxwj-rhms", generated=generated)

    assert not HASHER.matches(parse_password(typed), stored)


@given(st.text(), st.booleans())
def test_no_text_ever_raises_at_the_check(typed: str, generated: bool) -> None:  # noqa: FBT001
    """Whatever is typed, the check answers yes or no."""
    stored = StoredPassword("$2b$04$" + "." * 53, generated=generated)

    assert HASHER.matches(parse_password(typed), stored) is False


@given(st.text(max_size=20))
def test_the_stored_form_is_stable(typed: str) -> None:
    """Preparing what was prepared (by Prosody) changes nothing."""
    try:
        prepared = saslprep(typed)
    except InputError:
        return
    try:
        assert form_to_store(prepared, generated=False) == form_to_store(typed, generated=False)
    except InputError:
        assert len(prepared.encode()) > 64 or prepared == ""


def work_of(monkeypatch: pytest.MonkeyPatch, ask: Callable[[], object]) -> int:
    """The rounds of bcrypt that answering costs."""
    rounds: list[int] = []
    check = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        rounds.append(2 ** int(hashed.split(b"$")[2]))
        return check(password, hashed)

    with monkeypatch.context() as patch:
        patch.setattr(bcrypt, "checkpw", counting)
        ask()
    return sum(rounds)


def test_every_check_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a missing name, nor an impossible password, nor an older hash is faster to refuse."""
    hasher = Hasher(6)
    current = hasher.hash("vpgd-kxwj-rhms", generated=True)
    older = Hasher(4).hash("vpgd-kxwj-rhms", generated=True)

    costs = {
        work_of(monkeypatch, lambda: hasher.matches(parse_password("wrong"), current)),
        work_of(monkeypatch, lambda: hasher.matches(parse_password("vpgd-kxwj-rhms"), current)),
        work_of(monkeypatch, lambda: hasher.matches(parse_password("wrong"), older)),
        work_of(monkeypatch, lambda: hasher.matches(parse_password("wrong"), None)),
        work_of(monkeypatch, lambda: hasher.matches(parse_password("x" * 100), current)),
        work_of(monkeypatch, lambda: hasher.matches(parse_password("x" * 100), older)),
        work_of(monkeypatch, lambda: hasher.matches(parse_password("x" * 1000), current)),
    }

    assert costs == {2**6}


def test_a_missing_name_has_no_password() -> None:
    """No password opens an account that does not exist."""
    assert not HASHER.matches(parse_password(""), None)
    assert not HASHER.matches(parse_password("-"), None)


def test_a_raised_cost_renews_older_hashes() -> None:
    """Only a lower cost than today's wants a new one, of the same password."""
    typed = parse_password("vpgd-kxwj-rhms")
    stored = Hasher(5).hash(typed.text, generated=True)

    renewed = Hasher(6).renew(typed, stored)
    assert renewed is not None
    assert renewed.hash.startswith("$2b$06$")
    assert Hasher(6).matches(typed, renewed)
    assert Hasher(5).renew(typed, stored) is None
    assert Hasher(4).renew(typed, stored) is None


@pytest.mark.parametrize("password", ["x" * 65, "ä" * 33, "a\0b", "", "aä\U0001e900", "\u05d0\u2800\u05d0"])
def test_a_password_that_cannot_be_stored_says_why_without_quoting_it(password: str) -> None:
    """The error of an import names the fault, not the password."""
    with pytest.raises(InputError) as raised:
        HASHER.hash(password, generated=False)

    assert not password or password not in str(raised.value)


def test_a_stored_password_hides_its_hash() -> None:
    """A hash is in no representation."""
    assert "$2b$" not in repr(HASHER.hash("vpgd-kxwj-rhms", generated=True))


def test_a_typed_password_hides_itself() -> None:
    """Neither as typed nor in one of its forms."""
    typed = parse_password("VPGD-Kxwj-rhms")

    assert typed.form(generated=True) == b"vpgdkxwjrhms"
    assert typed.form(generated=False) == b"VPGD-Kxwj-rhms"
    assert repr(typed) == "TypedPassword()"
