"""What Prometheus is told: numbers that move with what happens, and nothing of anybody."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.samples import Sample
from werkzeug.test import Client

from authbridge.api import Reply
from authbridge.errors import StorageError
from authbridge.login import credentials, journal
from authbridge.login.authenticate import LoginServices
from authbridge.login.fair_turns import Place
from authbridge.login.passwords import Hasher, generate_password
from authbridge.login.typed_passwords import parse_password
from authbridge.login.usernames import parse_username
from authbridge.storage.database import Database
from authbridge.storage.models import JobRun
from tests.http.test_api import question
from tests.support.api import AUTHORISED, TOKEN, make_api
from tests.support.factories import SECRET_KEY, make_organiser, make_school, make_services
from tests.support.fakes import FakeClock
from tests.support.feeds import report, suspend
from tests.support.metrics import promtool, samples, value
from tests.support.read_only import forbid_to_write
from workbench import ROOT

ADDRESS = "198.51.100.7"
BROWSER = "Browser-of-somebody"
HASHER = Hasher.with_quick_checks(4, SECRET_KEY)
LABELS = {"verdict", "transport", "rule", "password", "fault", "reason", "le", "version", "database", "node"}


@pytest.fixture(name="clock")
def make_clock() -> FakeClock:
    """The service's clock."""
    return FakeClock()


@pytest.fixture(name="services")
def make_the_services(database: Database, clock: FakeClock) -> LoginServices:
    """A service with a school, and quick checks as in production."""
    make_school(database)
    return make_services(database, hasher=HASHER, clock=clock)


@pytest.fixture(name="client")
def make_client(services: LoginServices) -> Client:
    """Prosody and Prometheus, both on loopback."""
    return Client(make_api(services))


def ask(client: Client, username: str, password: str, **changes: object) -> Any:  # noqa: ANN401 - as JSON has it
    """Asks about a login as Prosody does; returns the verdict."""
    sent = question(username, password, **changes)
    return (client.post("/v1/authenticate", json=sent, headers=AUTHORISED).json or {}).get("verdict")


def scrape(client: Client) -> str:
    """Asks as Prometheus does, without a token."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return answer.text


def moved(before: str, after: str) -> dict[str, float]:
    """Returns by how much each count has grown; times are left out."""
    old, new = (
        {
            " ".join([each.name, *each.labels.values()]): each.value
            for each in samples(shown)
            if is_count(each)
        }
        for shown in (before, after)
    )
    return {name: count - old[name] for name, count in new.items() if count != old[name]}


def is_count(sample: Sample) -> bool:
    """Tells whether the sample says how often something has happened."""
    return sample.name.endswith(("_total", "_count"))


def excluded(services: LoginServices, username: str) -> str:
    """Returns a wrong password of which the quick check says so; it misses one of 256."""
    with services.database.read_connection() as connection:
        found = credentials.find_credential(connection, parse_username(username))
    stored = None if found is None else found.credential.stored
    guesses = (generate_password() for _ in range(100))
    return next(
        guess for guess in guesses if services.hasher.excludes(parse_password(guess), stored, username)
    )


def different(services: LoginServices, username: str, count: int) -> list[str]:
    """Returns that many such passwords whose twelve bits differ: else two of them count as one guess."""
    chosen: dict[int, str] = {}
    while len(chosen) < count:
        guess = excluded(services, username)
        today, _ = services.keyed_hashes.fingerprints(
            username, parse_password(guess), services.clock()
        ).values()
        chosen[today] = guess
    return list(chosen.values())


def test_a_login_is_counted_by_verdict_and_transport(client: Client, services: LoginServices) -> None:
    """With the time until its answer, and that of its hash; a remembered one needs none."""
    issued = make_organiser(services.database, hasher=HASHER)
    before = scrape(client)
    ask(client, issued.username, issued.password, transport="bosh")
    assert moved(before, scrape(client)) == {
        "authbridge_logins_total bosh granted": 1,
        "authbridge_login_seconds_count": 1,
        "authbridge_hash_seconds_count": 1,
    }
    before = scrape(client)
    ask(client, issued.username, issued.password, transport="websocket")
    assert moved(before, scrape(client)) == {
        "authbridge_logins_total websocket granted": 1,
        "authbridge_login_seconds_count": 1,
        "authbridge_password_cache_hits_total right": 1,
    }


def test_a_wrong_password_is_a_failure_once(client: Client, services: LoginServices) -> None:
    """Found by the quick check, it needs no hash; typed again, it is remembered as wrong."""
    issued = make_organiser(services.database, hasher=HASHER)
    wrong = excluded(services, issued.username)
    before = scrape(client)
    assert ask(client, issued.username, wrong) == "refused"
    assert moved(before, scrape(client)) == {
        "authbridge_logins_total tcp refused": 1,
        "authbridge_login_seconds_count": 1,
        "authbridge_login_failures_total": 1,
        "authbridge_quick_check_refusals_total": 1,
    }
    before = scrape(client)
    assert ask(client, issued.username, wrong) == "refused"
    assert moved(before, scrape(client)) == {
        "authbridge_logins_total tcp refused": 1,
        "authbridge_login_seconds_count": 1,
        "authbridge_password_cache_hits_total wrong": 1,
    }


def test_a_wait_is_counted_by_the_rule_that_demands_it(client: Client, services: LoginServices) -> None:
    """Here the fifth wrong password from one network."""
    issued = make_organiser(services.database, hasher=HASHER)
    for password in different(services, issued.username, services.limits.pair_guesses):
        ask(client, issued.username, password, ip=ADDRESS)
    before = scrape(client)
    assert ask(client, issued.username, "another", ip=ADDRESS) == "locked"
    assert moved(before, scrape(client)) == {
        "authbridge_logins_total tcp locked": 1,
        "authbridge_login_seconds_count": 1,
        "authbridge_login_waits_total pair": 1,
    }


def test_the_hashing_queue_shows_who_waits_and_what_it_rejects(
    client: Client, services: LoginServices
) -> None:
    """A login that cannot be served in time is told so."""
    issued = make_organiser(services.database, hasher=HASHER)
    queue = services.hashing_queue
    before = scrape(client)
    with ExitStack() as slots, ThreadPoolExecutor(1) as prosody:
        for name in ("a", "b"):
            slots.enter_context(queue.slot(Place(name), within=9))
        assert ask(client, issued.username, issued.password, within=0.01) == "unavailable"
        assert moved(before, scrape(client)) == {
            "authbridge_logins_total tcp unavailable": 1,
            "authbridge_login_seconds_count": 1,
            "authbridge_hashing_queue_rejections_total": 1,
        }
        waiting = prosody.submit(ask, client, issued.username, issued.password)
        while not queue.waiting:
            time.sleep(0.001)
        assert value(scrape(client), "authbridge_hashing_queue_waiting") == 1
        slots.close()
        assert waiting.result() == "granted"


def test_the_numbers_do_not_tell_which_names_exist(client: Client, services: LoginServices) -> None:
    """The same guesses move the same numbers: whoever reads them on this machine may be the guesser."""
    known, unknown = make_organiser(services.database, hasher=HASHER).username, "ohg-tttt"

    def guess(name: str, ip: str) -> list[dict[str, float]]:
        steps = []
        first, *others = different(services, name, 6)
        for password in (first, first, *others):
            before = scrape(client)
            ask(client, name, password, ip=ip)
            steps.append(moved(before, scrape(client)))
        return steps

    told = guess(known, ADDRESS)
    assert told == guess(unknown, "203.0.113.9")
    assert "authbridge_login_waits_total pair" in told[-1]


def test_nothing_of_anybody_is_told(client: Client, services: LoginServices) -> None:
    """Neither names nor addresses, browsers, schools or secrets; of labels there are few, with few values."""
    database = services.database
    issued, ended = (make_organiser(database, hasher=HASHER) for _ in range(2))
    report(database, "meet-1", {issued.username: 2, "": 1})
    suspend(database, ended.username)
    for username, password in (
        (issued.username, issued.password),
        (ended.username, ended.password),
        (issued.username, "wrong"),
        ("nobody-at-all", "wrong"),
    ):
        ask(client, username, password, ip=ADDRESS, user_agent=BROWSER)
    client.post("/v1/authenticate", data=b"{", headers=AUTHORISED)
    told = scrape(client)

    secrets = (ADDRESS, BROWSER, TOKEN, "ohg", "nobody-at-all", "$2b$", str(database.file), "/tmp")  # noqa: S108
    for secret in (*secrets, *(part for each in (issued, ended) for part in (each.username, each.password))):
        assert secret not in told
    assert {label for each in samples(told) for label in each.labels} <= LABELS
    assert {each.labels["node"] for each in samples(told) if "node" in each.labels} == {"meet-1"}
    assert {each.name.partition("_")[0] for each in samples(told)} == {"authbridge"}
    assert sum(1 for _ in samples(told)) < 150


def test_prometheus_understands_every_line(client: Client) -> None:
    """In the old form and in OpenMetrics, as it asks for one or the other; its linter has nothing to say."""
    linted = promtool("check", "metrics", stdin=scrape(client))
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")

    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.content_type.startswith("application/openmetrics-text")
    families = open_metrics(answer.text)  # type: ignore[no-untyped-call]  # it has no types
    assert {family.name for family in families} >= {
        "authbridge_logins",
        "authbridge_up_storage",
    }


def test_what_the_database_knows_is_as_old_as_it_is(
    client: Client, services: LoginServices, clock: FakeClock
) -> None:
    """The oldest login, deletion, backup; what never happened has no sample."""
    ages = ("oldest_attempt", "purge", "backup")

    def told() -> list[float | None]:
        shown = scrape(client)
        return [value(shown, f"authbridge_{name}_age_seconds") for name in ages]

    assert told() == [None, None, None]
    ask(client, "nobody", "wrong")
    clock.advance(minutes=5)
    with services.database.write_session() as session:
        journal.mark_purged(session, now=clock())
        session.add(JobRun(name="backup", done_at=clock()))
    clock.advance(minutes=1)
    assert told() == [360, 60, 60]


def test_each_meeting_server_says_how_far_it_is(
    client: Client, services: LoginServices, clock: FakeClock
) -> None:
    """Seconds since its last question, and what is open; which meetings run on a silent one nobody knows."""
    database = services.database
    issued = make_organiser(database)
    report(database, "meet-1", {issued.username: 2, "": 1}, clock())

    def told() -> dict[str, float | None]:
        shown = scrape(client)
        names = (
            "silence_seconds",
            "waiting_revocations",
            "oldest_waiting_revocation_age_seconds",
            "meetings",
        )
        return {name: value(shown, f"authbridge_node_{name}", node="meet-1") for name in names}

    assert list(told().values()) == [0, 0, 0, 3]
    clock.advance(seconds=10)
    suspend(database, issued.username, clock())
    clock.advance(seconds=20)
    assert list(told().values()) == [30, 1, 20, 3]
    clock.advance(seconds=1)
    assert list(told().values()) == [31, 1, 21, None]
    report(database, "meet-1", {}, clock())
    assert list(told().values()) == [0, 0, 0, 0]


def test_without_its_database_the_service_still_answers(client: Client, services: LoginServices) -> None:
    """What is counted in memory is told; what only the database knows is absent."""
    report(services.database, "meet-1")
    assert value(scrape(client), "authbridge_up_storage") == 1
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job_runs RENAME TO elsewhere")

    assert ask(client, "nobody", "wrong") == "refused"
    told = scrape(client)

    assert value(told, "authbridge_up_storage") == 0
    assert value(told, "authbridge_logins_total", verdict="refused", transport="tcp") == 1
    assert not [each for each in samples(told) if "node" in each.labels or "_age_" in each.name]
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO job_runs")


@pytest.mark.own_database
@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE prosody_nodes",
        "DELETE FROM revocation_feed",
        "DROP TABLE login_attempts",
        "DROP TABLE deletion_records",
    ],
)
def test_whatever_is_missing_the_scrape_has_an_answer(
    client: Client, services: LoginServices, harm: str
) -> None:
    """Each table that is read, and the row that must be in one of them."""
    with services.database.engine.begin() as connection:
        connection.exec_driver_sql(harm)

    assert value(scrape(client), "authbridge_up_storage") == 0


def test_a_database_that_cannot_be_written_counts_as_gone(services: LoginServices, clock: FakeClock) -> None:
    """What can still be read of it is told."""
    database = services.database
    report(database, "meet-1", now=clock())
    forbid_to_write(database)
    told = scrape(Client(make_api(services)))

    assert value(told, "authbridge_up_storage") == 0
    assert value(told, "authbridge_node_silence_seconds", node="meet-1") == 0


def test_a_question_without_an_answer_is_a_fault(services: LoginServices) -> None:
    """By its kind: the database, or a bug of ours."""
    app = make_api(services)
    client = Client(app)
    before = scrape(client)
    app.routes["GET", "/buggy"] = _fail
    app.routes["GET", "/gone"] = _lose_the_database
    for path in ("/buggy", "/gone"):
        client.get(path, headers=AUTHORISED)
    assert moved(before, scrape(client)) == {
        "authbridge_faults_total bug": 1,
        "authbridge_faults_total storage": 1,
    }


def test_a_question_that_is_none_of_prosodys_is_counted(client: Client) -> None:
    """By what is wrong with it: a Prosody with an old token would let nobody in."""
    before = scrape(client)
    client.post("/v1/authenticate", json=question("a", "b"), headers={"Authorization": "Bearer former"})
    ask(client, "a", "b", host="x.test")
    ask(client, "a", "b", transport="x")
    assert moved(before, scrape(client)) == {
        "authbridge_refused_questions_total token": 1,
        "authbridge_refused_questions_total host": 1,
        "authbridge_refused_questions_total malformed": 1,
    }


def test_no_example_hands_the_metrics_on_to_the_internet() -> None:
    """Their nginx knows the panel's port; of the auth service's, what another Prosody needs, and no more."""
    sites = [*(ROOT / "deploy" / "nginx").iterdir(), ROOT / "deploy" / "docker" / "panel-proxy.conf"]
    for site in sites:
        text = site.read_text()
        assert "proxy_pass" in text, site
        assert "/metrics" not in text, site
        handed_on = re.findall(r"location ([^{]+?) \{[^}]*127\.0\.0\.1:8701", text)
        expected = ["/v1/", "= /healthz", "= /readyz"] if site.name == "service.conf" else []
        assert handed_on == expected, site
        assert text.count("127.0.0.1:8701") == len(expected), site


def _fail(_request: object) -> Reply:
    raise RuntimeError


def _lose_the_database(_request: object) -> Reply:
    raise StorageError("The database does not answer.")
