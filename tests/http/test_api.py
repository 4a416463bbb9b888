"""The HTTP face: closed unless listed, plain about faults, silent about secrets."""

import io
import json
import logging
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client

from authbridge.api import Api, Reply
from authbridge.login.authenticate import LoginServices
from authbridge.revocations.rule_counts import counts_since
from authbridge.schools.commands import suspensions
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.schools.suspendable import ORGANISER
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt
from tests.support.api import AUTHORISED, TOKEN, make_api
from tests.support.factories import ACTOR, HOST, TODAY, make_organiser, make_school, make_services
from tests.support.fakes import MORNING, FakeClock

MARKER = "MARKER-passw0rd"


@pytest.fixture(name="services")
def make_the_setting(database: Database) -> LoginServices:
    """A database with a school."""
    make_school(database)
    return make_services(database)


@pytest.fixture(name="app")
def make_app(services: LoginServices) -> Api:
    """The application, configured as by an operator."""
    return make_api(services)


@pytest.fixture(name="client")
def make_client(app: Api) -> Client:
    """Somebody on loopback."""
    return Client(app)


@pytest.fixture(name="issued")
def issue(services: LoginServices) -> IssuedCredential:
    """An organiser in order."""
    return make_organiser(services.database)


def question(username: str, password: str, **changes: object) -> dict[str, Any]:
    """What the Prosody module sends."""
    return {
        "request_id": "q-1",
        "username": username,
        "password": password,
        "host": HOST,
        "ip": None,
        "user_agent": None,
        "transport": "tcp",
        "node": "node-a",
        "within": 14.5,
    } | changes


def attempts(services: LoginServices) -> int:
    """How many attempts are on record."""
    with services.database.read_session() as session:
        return session.scalar(select(func.count(LoginAttempt.id))) or 0


def test_the_right_password_is_granted(client: Client, issued: IssuedCredential) -> None:
    """The answer repeats the question's id and name as they were sent."""
    sent = question(f" {issued.username.upper()} ", issued.password)

    answer = client.post("/v1/authenticate", json=sent, headers=AUTHORISED)

    assert (answer.status_code, answer.json) == (
        200,
        {
            "request_id": "q-1",
            "username": sent["username"],
            "verdict": "granted",
            "retry_after": None,
            "school": "ohg",
        },
    )


def test_the_school_is_told_to_those_alone_who_get_in(
    client: Client, services: LoginServices, issued: IssuedCredential
) -> None:
    """Also where the password is remembered; nobody else learns to which school a name belongs."""

    def ask(password: str) -> tuple[str, str | None]:
        sent = question(issued.username, password)
        answer = client.post("/v1/authenticate", json=sent, headers=AUTHORISED).json or {}
        return answer["verdict"], answer["school"]

    assert [ask(password) for password in (issued.password, issued.password, MARKER)] == [
        ("granted", "ohg"),
        ("granted", "ohg"),
        ("refused", None),
    ]
    with services.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, issued.username, reason=None, actor=ACTOR, now=MORNING)
    assert ask(issued.password) == ("suspended", None)


def test_every_route_but_the_listed_ones_wants_the_token(app: Api, client: Client) -> None:
    """A route that somebody adds is closed, and so is one that does not exist."""
    for method, path in app.routes:
        status = client.open(path, method=method).status_code
        assert (status != 401) == (path in app.open_paths), path
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "TRACE"):
        assert client.open("/v1/authenticate", method=method).status_code == 401
        assert client.open("/v1/authenticate", method=method, headers=AUTHORISED).status_code == 405
    assert client.get("/nowhere", headers=AUTHORISED).status_code == 404
    assert client.get("/v1/authenticate/../../healthz").status_code == 401
    assert client.get("/nowhere").status_code == 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"bearer {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer ü", f"Basic {TOKEN}"],
)
def test_a_wrong_token_asks_nothing(
    client: Client, services: LoginServices, issued: IssuedCredential, header: str
) -> None:
    """Who cannot show the token gets neither a verdict nor an entry in the journal."""
    sent = question(issued.username, issued.password)

    answer = client.post("/v1/authenticate", json=sent, headers={"Authorization": header})

    assert answer.status_code == 401
    assert attempts(services) == 0


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param(b"{", 400, "malformed", id="no JSON"),
        pytest.param(json.dumps({"host": HOST}).encode(), 400, "malformed", id="host alone"),
        pytest.param(json.dumps(question("a", "b", host="x.test")).encode(), 400, "host", id="foreign host"),
        pytest.param(json.dumps(question("a", MARKER * 1000)).encode(), 413, None, id="too large"),
    ],
)
def test_a_bad_call_is_told_without_quoting_it(
    client: Client, services: LoginServices, body: bytes, status: int, error: str | None
) -> None:
    """The status speaks of the call; nothing of it is on record, nothing of it is repeated."""
    answer = client.post("/v1/authenticate", data=body, headers=AUTHORISED)

    assert answer.status_code == status
    told = json.loads(answer.text)
    assert error is None or told["error"] == error
    assert MARKER not in answer.text
    assert attempts(services) == 0


def test_a_large_body_of_unknown_length_is_cut_off(client: Client) -> None:
    """Eight kibibytes are the end also where no length was announced."""
    stream = io.BytesIO(b" " * 100_000)

    answer = client.post(
        "/v1/authenticate",
        input_stream=stream,
        headers=AUTHORISED,
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == 413


def test_without_storage_there_is_no_verdict(client: Client, services: LoginServices) -> None:
    """A dead database is 503, never "wrong password"."""
    services.database.engine.dispose()
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE login_attempts RENAME TO elsewhere")

    answer = client.post("/v1/authenticate", json=question("a", "b"), headers=AUTHORISED)
    ready = client.get("/readyz")

    assert (answer.status_code, answer.json) == (503, {"error": "storage"})
    assert client.get("/healthz").status_code == 200
    assert ready.status_code == 503
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO login_attempts")


def test_a_clock_that_was_ahead_does_not_keep_the_service_from_being_ready(
    client: Client, services: LoginServices
) -> None:
    """What was found while the clock was two days ahead counts for seconds, not until that day has come."""
    clock = services.clock
    assert isinstance(clock, FakeClock)
    clock.advance(days=2)
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job_runs RENAME TO elsewhere")
    assert client.get("/readyz").json == {"storage": "cannot be written", "purge": "unknown", "disk": "ok"}
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO job_runs")
    clock.advance(days=-2)

    ready = client.get("/readyz").json

    assert ready is not None
    assert ready["storage"] == "ok"


def _fail_with_marker(_request: object) -> Reply:
    raise RuntimeError(MARKER)


def test_no_secret_and_no_name_is_in_the_log(
    app: Api, client: Client, issued: IssuedCredential, caplog: pytest.LogCaptureFixture
) -> None:
    """Who logged in is in the journal, for a week; the log is for faults, and it works."""
    caplog.set_level(logging.DEBUG)
    for sent in (
        question(issued.username, issued.password),
        question(issued.username, MARKER),
        question(MARKER, MARKER),
        question(MARKER, "x", transport="x"),
    ):
        client.post("/v1/authenticate", json=sent, headers=AUTHORISED)

    for secret in (MARKER, issued.password, issued.username, TOKEN, "$2b$"):
        assert secret not in caplog.text
    app.routes["POST", "/v1/authenticate"] = _fail_with_marker
    client.post("/v1/authenticate", json=question(MARKER, MARKER), headers=AUTHORISED)
    assert "bug: RuntimeError" in caplog.text
    assert MARKER not in caplog.text


def test_wrong_tokens_and_hosts_are_logged_once_an_hour(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody on the machine tries, or Prosody is set up wrongly; what was sent is not in the log."""
    for number in range(3):
        client.get("/v1/revocations", headers={"Authorization": f"Bearer {MARKER}{number}"})
        client.post("/v1/authenticate", json=question("x", "x", host="evil.example"), headers=AUTHORISED)
    assert [each.message for each in caplog.records] == [
        "refused: a question without the right token",
        "refused: a question about another host",
    ]


def test_a_bug_is_told_by_its_place_only(app: Api, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """An exception may quote what somebody typed; the log gets its type and place."""
    app.routes["GET", "/buggy"] = _fail_with_marker

    answer = client.get("/buggy", headers=AUTHORISED)

    assert (answer.status_code, answer.json) == (500, {"error": "internal"})
    assert "RuntimeError at" in caplog.text
    assert MARKER not in caplog.text


def feed_question(**changes: object) -> dict[str, Any]:
    """What a Prosody sends that asks what is new."""
    return {"node": "node-a", "epoch": None, "cursor": 0, "wait": 0} | changes


def test_a_suspension_is_told(client: Client, services: LoginServices, issued: IssuedCredential) -> None:
    """First a snapshot, then what came after it, then nothing more."""
    first = client.post("/v1/revocations", json=feed_question(), headers=AUTHORISED).json
    assert first is not None
    assert (first["cursor"], first["snapshot"]) == (0, [])
    with services.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, issued.username, reason=None, actor=ACTOR, now=MORNING)

    asked = feed_question(epoch=first["epoch"], wait=9)
    second = client.post("/v1/revocations", json=asked, headers=AUTHORISED)
    asked = feed_question(epoch=first["epoch"], cursor=1)
    third = client.post("/v1/revocations", json=asked, headers=AUTHORISED)
    anew = client.post("/v1/revocations", json=feed_question(), headers=AUTHORISED)

    event = {"id": 1, "username": issued.username, "action": "suspend"}
    assert second.json == {"epoch": first["epoch"], "cursor": 1, "events": [event]}
    assert third.json == {"epoch": first["epoch"], "cursor": 1, "events": []}
    at = MORNING.timestamp()
    standing = {"username": issued.username, "suspended": True, "sessions_end_before": at}
    assert anew.json == {"epoch": first["epoch"], "cursor": 1, "at": at, "snapshot": [standing]}


def test_a_node_has_the_codes_of_all_schools(client: Client, database: Database) -> None:
    """They are sent when they are others than those that it has, and to those alone who ask for them."""

    def ask(**known: str) -> Any:  # noqa: ANN401 - as JSON has it
        answer = client.post("/v1/revocations", json=feed_question(**known), headers=AUTHORISED).json
        assert answer is not None
        return answer.get("schools")

    first = ask(schools="")
    assert first["codes"] == ["ohg"]
    assert (ask(schools=first["version"]), ask()) == (None, None)

    make_school(database, "gym")
    second = ask(schools=first["version"])
    assert second == {"version": "993639206798f439", "codes": ["gym", "ohg"]}
    assert ask(schools=second["version"]) is None


def test_rules_that_stepped_in_count_on_the_day_of_the_schools(
    client: Client, services: LoginServices
) -> None:
    """Once, with the number of their report; without one they count nowhere."""
    report = {"run": "first", "number": 1, "meetings": {}}
    for changes in ({"opened": report}, {"opened": report}, {}):
        asked = feed_question(rules={"names": 3, "someday": 9}, **changes)
        assert client.post("/v1/revocations", json=asked, headers=AUTHORISED).status_code == 200

    with services.database.read_session() as session:
        assert counts_since(session, TODAY) == {TODAY: {"names": 3}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{", 400, id="no JSON"),
        pytest.param(json.dumps(feed_question(node=MARKER * 9)).encode(), 400, id="long node"),
        pytest.param(json.dumps(feed_question(cursor=MARKER)).encode(), 400, id="no cursor"),
        pytest.param(json.dumps(feed_question(rules={MARKER: MARKER})).encode(), 400, id="no counts"),
        pytest.param(json.dumps(feed_question(epoch=MARKER * 1000)).encode(), 413, id="too large"),
    ],
)
def test_a_bad_question_about_revocations_is_told_without_quoting_it(
    client: Client, caplog: pytest.LogCaptureFixture, body: bytes, status: int
) -> None:
    """The status speaks of the call; neither answer nor log repeat anything of it."""
    caplog.set_level(logging.DEBUG)

    answer = client.post("/v1/revocations", data=body, headers=AUTHORISED)

    assert answer.status_code == status
    assert MARKER not in answer.text + caplog.text


def test_no_name_of_the_feed_is_in_the_log(
    client: Client, services: LoginServices, issued: IssuedCredential, caplog: pytest.LogCaptureFixture
) -> None:
    """Who was suspended is in the audit."""
    caplog.set_level(logging.DEBUG)
    with services.database.write_session() as session:
        suspensions.suspend(session, ORGANISER, issued.username, reason=None, actor=ACTOR, now=MORNING)
    client.post("/v1/revocations", json=feed_question(), headers=AUTHORISED)
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE revocation_feed RENAME TO elsewhere")

    answer = client.post("/v1/revocations", json=feed_question(), headers=AUTHORISED)

    assert (answer.status_code, answer.json) == (503, {"error": "storage"})
    for secret in (issued.username, TOKEN):
        assert secret not in caplog.text
    assert "revocation_feed" in caplog.text
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO revocation_feed")


def test_healthz_and_readyz_are_for_everybody(client: Client) -> None:
    """Monitoring needs no secret, and learns none."""
    assert client.get("/healthz").json == {"status": "ok", "version": "0.1.0"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json == {"storage": "ok", "purge": "old rows were never deleted", "disk": "ok"}
