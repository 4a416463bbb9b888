"""``authbridge lockout``: who waits, in plain words, and how staff end it."""

import json
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from click.testing import CliRunner, Result

from authbridge.cli import main
from authbridge.cli.operator import Operator
from authbridge.login.authenticate import authenticate
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.policy import Verdict
from authbridge.storage.database import Database
from tests.http.conftest import Run
from tests.support.factories import make_attempt, make_organiser, make_origin, make_services
from tests.support.fakes import MORNING, FakeClock
from tests.support.stories import wrong_passwords

SCHOOL_NETWORK, OUTSIDE = "203.0.113.0/24", "198.51.100.7"

At = Callable[..., Result]
Guess = Callable[..., Verdict]


@pytest.fixture(name="clock")
def start_clock() -> FakeClock:
    """07:55 UTC; in Berlin it is 08:55."""
    return FakeClock(MORNING)


@pytest.fixture(name="at")
def make_at(environ: dict[str, str], school: str, run: Run, clock: FakeClock) -> At:
    """``at("lockout", "list")`` at the clock's time, in a school with a network of its own."""
    run("school", "set", school, "--network", SCHOOL_NETWORK)

    def at(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments, obj=Operator(environ, clock=clock))
        assert result.exit_code == code, result.output
        return result

    return at


@pytest.fixture(name="database")
def connect_database(environ: dict[str, str], at: At) -> Iterator[Database]:  # noqa: ARG001 - makes the school
    """The one that the commands use."""
    database = Database(environ["AUTHBRIDGE_DATABASE_URL"])
    yield database
    database.engine.dispose()


@pytest.fixture(name="guess")
def make_guess(database: Database, clock: FakeClock) -> Guess:
    """``guess(name, count, ip)``: so many wrong passwords, a minute apart; the last verdict."""
    keyed_hashes = KeyedHashes(b"s" * 64)
    services = make_services(database, clock=clock, keyed_hashes=keyed_hashes)
    passwords: dict[str, Iterator[str]] = {}

    def guess(name: str, count: int, ip: str, *, pause: int = 60) -> Verdict:
        wrong = passwords.setdefault(name, wrong_passwords(name, keyed_hashes))
        for number, password in enumerate(islice(wrong, count)):
            attempt = make_attempt(name, password, ip=ip)
            verdict = authenticate(attempt, make_origin(), services, within=9).verdict
            clock.advance(seconds=pause if number < count - 1 else 0)
        return verdict

    return guess


@pytest.fixture(name="name")
def make_name(database: Database) -> str:
    """An organiser's."""
    return make_organiser(database).username


def why(at: At) -> list[str]:
    """The sentences of the list."""
    return [each["why"] for each in json.loads(at("lockout", "list", "--json").stdout)]


def test_nobody_waits(at: At, environ: dict[str, str]) -> None:
    """An empty list is a sentence, in either language."""
    assert at("lockout", "list").output == "Nobody has to wait.\n"

    environ["LANG"] = "de_DE.UTF-8"
    assert at("lockout", "list").output == "Niemand muss warten.\n"


def test_a_wait_is_told_in_plain_words(
    at: At, guess: Guess, name: str, clock: FakeClock, environ: dict[str, str]
) -> None:
    """How many, since when, from where, and how long it takes; in the operator's time zone."""
    guess(name, 5, "203.0.113.9")
    clock.advance(seconds=10)

    assert why(at) == ["5 wrong passwords since 08:55 from the school's network; free in 00:20"]
    environ["LC_ALL"] = "de_DE.UTF-8"
    assert why(at) == ["5 falsche Passwörter seit 08:55 aus dem Netz der Schule; frei in 00:20"]
    table = at("lockout", "list").output
    assert name in table
    assert SCHOOL_NETWORK in table

    clock.advance(seconds=20)
    assert why(at) == []


def test_a_name_that_is_nobodys_is_not_told(at: At, guess: Guess) -> None:
    """It may be a password in the wrong field, and we do not have it."""
    guess("meinpasswort", 5, OUTSIDE)

    output = at("lockout", "list").output
    assert "(no such name)" in output
    assert "from 198.51.100.7" in output
    assert "meinpasswort" not in output


def test_an_account_that_waits_everywhere_but_where_it_is_known(
    at: At, guess: Guess, name: str, clock: FakeClock
) -> None:
    """Fifty failures from outside in a day."""
    for number in range(50):
        guess(name, 1, f"198.51.100.{number}")
    clock.advance(days=1, hours=-1)

    (sentence,) = why(at)
    assert sentence.startswith("50 wrong passwords since 2026-11-20 08:55 from networks where")
    assert sentence.endswith("known ones are free; free in 1:00:00")


def test_a_network_that_waits(at: At, guess: Guess) -> None:
    """Thirty failures over eight names and more."""
    for number in range(30):
        guess(f"ohg-{number:04}", 1, OUTSIDE)

    assert why(at) == ["30 wrong passwords since 08:55 from 198.51.100.7; free in 15:00"]
    assert "(all names)" in at("lockout", "list").output


def test_staff_free_a_name(at: At, guess: Guess, name: str) -> None:
    """At once, once on record, and twice is no harm."""
    assert guess(name, 6, OUTSIDE, pause=0) is Verdict.LOCKED

    assert at("lockout", "clear", f" {name.upper()} ").output.endswith("may try again.\n")

    assert why(at) == []
    assert guess(name, 1, OUTSIDE) is Verdict.REFUSED
    at("lockout", "clear", name)
    assert "did not have to wait" in at("lockout", "clear", name).output


@pytest.mark.parametrize("typed", [OUTSIDE, f"{OUTSIDE}/32"])
def test_staff_free_a_network(at: At, guess: Guess, typed: str) -> None:
    """The network, and every name that waits there."""
    for number in range(30):
        guess(f"ohg-{number:04}", 1, OUTSIDE)
    assert guess("ohg-kwtx", 1, OUTSIDE) is Verdict.LOCKED

    at("lockout", "clear", "--network", typed)

    assert guess("ohg-kwtx", 1, OUTSIDE) is Verdict.REFUSED


@pytest.mark.parametrize("ip", ["203.0.113.9", SCHOOL_NETWORK])
def test_staff_free_a_school_by_its_network(at: At, guess: Guess, name: str, ip: str) -> None:
    """By an address in it, or as the list shows it."""
    guess(name, 5, "203.0.113.77")
    assert len(why(at)) == 1

    at("lockout", "clear", "--network", ip)

    assert why(at) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param([], 2, "Give either NAME or --network IP", id="neither"),
        pytest.param(["ohg-kwtx", "--network", OUTSIDE], 2, "Give either", id="both"),
        pytest.param(["--network", "the school"], 1, "is no address", id="no address"),
    ],
)
def test_what_cannot_be_cleared_is_said(at: At, arguments: list[str], code: int, words: str) -> None:
    """A sentence, and nothing is changed."""
    assert words in at("lockout", "clear", *arguments, code=code).output


def test_a_new_password_works_at_once(
    guess: Guess, at: At, name: str, database: Database, clock: FakeClock
) -> None:
    """Guesses at the old one are no reason to keep the owner of a new letter waiting."""
    guess(name, 5, OUTSIDE, pause=0)
    line = at("organiser", "reset", name).stdout.splitlines()[1]

    services = make_services(database, clock=clock, keyed_hashes=KeyedHashes(b"s" * 64))
    attempt = make_attempt(name, line.split(",")[2], ip=OUTSIDE)
    assert authenticate(attempt, make_origin(), services, within=9).verdict is Verdict.GRANTED
