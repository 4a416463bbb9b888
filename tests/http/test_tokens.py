"""The tokens of the login page: worth what the account is worth at the moment, and never a word more."""

import json
from datetime import UTC, timedelta
from itertools import islice
from typing import Any

import jwt
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import Client

from authbridge.login import bell
from authbridge.login.authenticate import LoginServices
from authbridge.login.recent_attempts import attempts_of
from authbridge.page_tokens.pseudonyms import pseudonym
from authbridge.revocations import feed
from authbridge.schools.commands import organisers, suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.lookup import get_organiser
from authbridge.schools.suspendable import ORGANISER, SCHOOL
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, Organiser, SuspensionReason
from tests.http.test_api import question
from tests.support.api import AUTHORISED, TOKEN, make_api, make_tokens
from tests.support.factories import (
    ACTOR,
    HASHER,
    HOST,
    KEYED_HASHES,
    TODAY,
    make_organiser,
    make_school,
    make_services,
)
from tests.support.fakes import MORNING, CountingHasher, FakeClock
from tests.support.stories import wrong_passwords


class Page:
    """What the login page and Prosody ask of one service."""

    def __init__(self, services: LoginServices) -> None:
        self.services = services
        self._client = Client(make_api(services))

    def log_in(self, issued: IssuedCredential, **changes: object) -> dict[str, Any]:
        """Asks as the login page does."""
        asked = question(issued.username, issued.password, transport="page", shared=False) | changes
        return self.ask("/v1/authenticate", asked)

    def token(self, issued: IssuedCredential, **changes: object) -> str:
        """Returns the token of a login that is granted."""
        token: str = self.log_in(issued, **changes)["token"]
        return token

    def use(self, token: str, sessions: str = "none") -> dict[str, Any]:
        """Asks as Prosody does; the request's id is left out of the answer."""
        asked = {
            name: value for name, value in question("x", "x").items() if name not in {"username", "password"}
        }
        answer = self.ask("/v1/token", asked | {"token": token, "sessions": sessions})
        assert answer.pop("request_id") == "q-1"
        return answer

    def ask(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Asks with the API's token, and gets an answer."""
        answer = self._client.post(path, json=asked, headers=AUTHORISED)
        assert answer.status_code == 200
        content: dict[str, Any] = json.loads(answer.text)
        return content


REFUSED = {"verdict": "refused", "username": None, "retry_after": None, "school": None, "shared": False}


def suspend(session: Session, issued: IssuedCredential) -> None:
    """Suspends that organiser."""
    suspensions.suspend(
        session, ORGANISER, issued.username, reason=SuspensionReason.LETTER_LOST, actor=ACTOR, now=MORNING
    )


@pytest.fixture(name="page")
def make_page(database: Database) -> Page:
    """A service over a database with a school."""
    make_school(database)
    return Page(make_services(database))


@pytest.fixture(name="issued")
def issue(page: Page) -> IssuedCredential:
    """An organiser in order."""
    return make_organiser(page.services.database)


@pytest.mark.parametrize("shared", [True, False])
def test_a_right_password_gives_a_token_that_lets_in(
    page: Page, issued: IssuedCredential, *, shared: bool
) -> None:
    """The organiser of the token, with the school whose rules count, and whether others use the device."""
    token = page.token(issued, shared=shared)

    assert page.use(token) == {
        "verdict": "granted",
        "username": issued.username,
        "retry_after": None,
        "school": "ohg",
        "shared": shared,
    }


def test_without_a_right_password_there_is_none(page: Page, issued: IssuedCredential) -> None:
    """The answer has the field, and nothing in it."""
    answer = page.log_in(issued, password="wrong")

    assert (answer["verdict"], answer["token"]) == ("refused", None)


def test_prosody_is_given_none(page: Page, issued: IssuedCredential) -> None:
    """Who logs in at the other door has no use for one."""
    assert "token" not in page.ask("/v1/authenticate", question(issued.username, issued.password))


def test_the_browser_reads_no_login_name(page: Page, issued: IssuedCredential) -> None:
    """It has a pseudonym, and claims that say nothing about the person."""
    claims = jwt.decode(page.token(issued), options={"verify_signature": False})

    assert issued.username not in json.dumps(claims)
    assert set(claims) == {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "context", "act", "shared"}
    assert claims["context"] == {"user": {"id": pseudonym(TOKEN, HOST, issued.username)}}
    assert claims["exp"] - claims["iat"] == 12 * 3600
    assert len(page.token(issued)) < 1024


def test_on_a_shared_device_a_token_is_worth_nothing_to_the_next_person(
    page: Page, issued: IssuedCredential
) -> None:
    """The browser has its address in the history; a page that is in the meeting comes back after a gap."""
    shared, own = page.token(issued, shared=True), page.token(issued)
    clock = page.services.clock
    assert isinstance(clock, FakeClock)
    clock.advance(minutes=4, seconds=59)
    assert page.use(shared)["verdict"] == "granted"
    assert page.use(shared, "over") == REFUSED

    clock.advance(seconds=1)

    assert page.use(shared) == REFUSED
    assert page.use(shared, "open")["verdict"] == "granted"
    assert page.use(own, "over")["verdict"] == "granted"


def test_two_tokens_have_nothing_in_common_but_the_pseudonym(page: Page, issued: IssuedCredential) -> None:
    """Each has an id and a seal of its own."""
    first, second = (jwt.decode(page.token(issued), options={"verify_signature": False}) for _ in range(2))

    assert first["jti"] != second["jti"]
    assert first["act"] != second["act"]


def test_a_suspension_and_its_end(page: Page, issued: IssuedCredential) -> None:
    """The account counts as it is; a token from before a suspension is over, as a session would be."""
    token = page.token(issued)
    with page.services.database.write_session() as session:
        suspend(session, issued)
    assert page.use(token) == REFUSED | {"verdict": "suspended"}

    with page.services.database.write_session() as session:
        suspensions.reinstate(session, ORGANISER, issued.username, actor=ACTOR, now=MORNING)

    assert page.use(token) == REFUSED
    assert page.use(page.token(issued))["verdict"] == "granted"


def test_a_school_that_is_suspended(page: Page, issued: IssuedCredential) -> None:
    """Its organisers' tokens are refused with it."""
    token = page.token(issued)
    with page.services.database.write_session() as session:
        suspensions.suspend(
            session, SCHOOL, "ohg", reason=SuspensionReason.LETTER_LOST, actor=ACTOR, now=MORNING
        )

    assert page.use(token)["verdict"] == "suspended"


def test_log_out_everywhere(page: Page, issued: IssuedCredential) -> None:
    """Ends each token that was issued before, whatever the clocks say; the next login gives another."""
    token = page.token(issued)
    with page.services.database.write_session() as session:
        organisers.end_sessions(session, issued.username, actor=ACTOR, now=MORNING - timedelta(days=2))

    assert page.use(token) == REFUSED
    assert page.use(page.token(issued))["verdict"] == "granted"


def test_what_is_ended_while_the_password_is_checked_gives_a_token_that_is_over(
    page: Page, issued: IssuedCredential
) -> None:
    """The token counts from the moment of the question."""

    def end_sessions() -> None:
        with page.services.database.write_session() as session:
            organisers.end_sessions(session, issued.username, actor=ACTOR, now=MORNING)

    slow = Page(make_services(page.services.database, hasher=CountingHasher(meanwhile=end_sessions)))

    assert page.use(slow.token(issued)) == REFUSED


def test_a_new_password(page: Page, issued: IssuedCredential) -> None:
    """Ends the tokens that the old one gave."""
    token = page.token(issued)
    (password,) = organisers.make_passwords(1, HASHER)
    with page.services.database.write_session() as session:
        organisers.reset_password(
            session, issued.username, password, keyed_hashes=KEYED_HASHES, actor=ACTOR, now=MORNING
        )

    assert page.use(token) == REFUSED


def on_the_last_day(page: Page) -> tuple[IssuedCredential, str, FakeClock]:
    """Logs an organiser in some hours before the access runs out; returns the token, too, and the clock."""
    issued = make_organiser(page.services.database, valid_until=TODAY)
    clock = page.services.clock
    assert isinstance(clock, FakeClock)
    clock.advance(hours=12)
    return issued, page.token(issued), clock


@pytest.mark.parametrize("ended", ["by the organiser", "by a suspension"])
def test_a_token_that_is_over_says_nothing_about_the_account(
    page: Page, issued: IssuedCredential, ended: str
) -> None:
    """A browser may keep it; who finds it there must not learn of a later suspension."""
    token = page.token(issued)
    with page.services.database.write_session() as session:
        if ended == "by the organiser":
            organisers.end_sessions(session, issued.username, actor=ACTOR, now=MORNING)
        else:
            suspend(session, issued)
            suspensions.reinstate(session, ORGANISER, issued.username, actor=ACTOR, now=MORNING)
        suspend(session, issued)

    assert page.use(token) == REFUSED


def test_a_token_that_is_over_says_nothing_about_its_validity(page: Page) -> None:
    """Likewise of an access that has run out since."""
    issued, token, clock = on_the_last_day(page)
    with page.services.database.write_session() as session:
        organisers.end_sessions(session, issued.username, actor=ACTOR, now=clock())
    clock.advance(hours=6)

    assert page.use(token) == REFUSED


def test_another_database(page: Page, issued: IssuedCredential) -> None:
    """After a restore nobody knows what was ended meanwhile: every page logs in again."""
    token = page.token(issued)
    with page.services.database.write_session() as session:
        feed.restart(session, after=0, ended=[], now=MORNING)

    assert page.use(token) == REFUSED


def test_a_validity_that_is_over(page: Page) -> None:
    """Is told as at the other door."""
    _issued, token, clock = on_the_last_day(page)
    clock.advance(hours=6)

    assert page.use(token) == REFUSED | {"verdict": "expired"}


def test_after_twelve_hours_it_is_over(page: Page, issued: IssuedCredential) -> None:
    """By the clock of the service alone."""
    token = page.token(issued)
    clock = page.services.clock
    assert isinstance(clock, FakeClock)
    clock.advance(hours=11, minutes=59)
    assert page.use(token)["verdict"] == "granted"

    clock.advance(minutes=1)

    assert page.use(token) == REFUSED


def test_a_token_is_over_where_nobody_knows_any_more_what_was_ended(
    page: Page, issued: IssuedCredential
) -> None:
    """One of a clock that was weeks ahead would live on when the end of all logins is purged."""
    clock = page.services.clock
    assert isinstance(clock, FakeClock)
    clock.advance(days=30)
    token = page.token(issued)
    clock.advance(days=-30)
    with page.services.database.write_session() as session:
        organisers.end_sessions(session, issued.username, actor=ACTOR, now=clock())
    clock.advance(days=8)
    assert page.use(token) == REFUSED
    with page.services.database.write_session() as session:
        feed.purge_batch(session, now=clock())

    assert page.use(token) == REFUSED
    assert page.use(page.token(issued))["verdict"] == "granted"


@pytest.mark.parametrize(
    "other",
    [
        {"secret_key": b"o" * 32},
        {"host": "other.test"},
    ],
    ids=["another secret", "another host"],
)
def test_a_foreign_token(page: Page, issued: IssuedCredential, other: dict[str, Any]) -> None:
    """Nobody else's signature counts, and none for another host."""
    grant = make_tokens().read(page.token(issued), now=MORNING)
    assert grant is not None

    assert page.use(make_tokens(**other).issue(grant)) == REFUSED
    assert page.use(make_tokens().issue(grant))["verdict"] == "granted"


def test_a_token_that_is_none(page: Page, issued: IssuedCredential) -> None:
    """Each part is needed, and each as it was signed."""
    head, claims, signature = page.token(issued).split(".")

    for token in ("x", f"{head}.{claims}", f"{head}.{claims}.", f"{head}.{claims}.{signature[::-1]}"):
        assert page.use(token) == REFUSED


def test_the_journal_has_each_login_and_each_use(page: Page, issued: IssuedCredential) -> None:
    """With its transport; a token that is over is no wrong password, and is not in it."""
    token = page.token(issued)
    page.use(token)
    page.use("x")
    with page.services.database.write_session() as session:
        organisers.end_sessions(session, issued.username, actor=ACTOR, now=MORNING)
    page.use(token)

    with page.services.database.read_session() as session:
        rows = session.execute(
            select(LoginAttempt.transport, LoginAttempt.verdict).order_by(LoginAttempt.id)
        ).all()
        assert session.scalar(select(Organiser.last_login_on)) == TODAY
    assert [tuple(row) for row in rows] == [("page", "granted"), ("token", "granted")]


def test_figures_count_the_login_and_not_the_uses(page: Page, issued: IssuedCredential) -> None:
    """A page that loses the network three times in a lesson is one login, as with a remembered one."""
    token = page.token(issued)
    for _ in range(3):
        page.use(token)

    with page.services.database.read_session() as session:
        counts = bell.count_logins(session, now=MORNING + timedelta(minutes=1), timezone=UTC)
        attempts = attempts_of(session, get_organiser(session, issued.username), since=MORNING)
    assert sum(each.granted + each.refused for each in counts) == 1
    assert len(attempts) == 1


def test_guesses_at_the_page_and_at_prosody_are_counted_together(
    page: Page, issued: IssuedCredential
) -> None:
    """Neither door gives an attacker more tries than the other."""
    address = "203.0.113.9"
    for password in islice(wrong_passwords(issued.username), 5):
        page.log_in(issued, password=password, ip=address)

    asked = question(issued.username, issued.password, ip=address)

    assert page.ask("/v1/authenticate", asked)["verdict"] == "locked"


def test_who_has_a_token_does_not_wait_for_others_guesses(page: Page, issued: IssuedCredential) -> None:
    """Nobody can guess a token, so no guesser makes its owner wait."""
    token = page.token(issued)
    for number in range(30):
        page.log_in(issued, password=f"wrong-{number}", ip="203.0.113.9")

    assert page.use(token)["verdict"] == "granted"
