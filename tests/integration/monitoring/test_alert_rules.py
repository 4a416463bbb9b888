"""Each fault, made in a service, raises the alert that is meant for it, by what the service tells then."""

import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest

from authbridge.api import Reply
from authbridge.login.fair_turns import Place
from authbridge.login.limits import Limits
from authbridge.storage import schema
from authbridge.storage.database import Database
from authbridge.storage.models import JobRun
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from tests.http.test_api import question
from tests.integration.monitoring.conftest import NODE, Installation
from tests.support.api import AUTHORISED
from tests.support.feeds import acknowledge, position, suspend
from tests.support.metrics import RULES, names_in, promtool, require_alerts, samples
from tests.support.read_only import forbid_to_write
from workbench.service import Service

HERE = Path(__file__).parent


def do_not_purge(installation: Installation) -> None:
    """The job that deletes hangs."""
    installation.clock.advance(hours=2, seconds=1)
    installation.ask_for_news()


def stay_idle_at_night(installation: Installation) -> None:
    """Nobody deletes from the files, and looks what is left."""
    installation.clock.advance(hours=26, seconds=1)
    installation.purge()
    installation.back_up()
    installation.ask_for_news()


def leave_something(installation: Installation) -> None:
    """A row is older than it may be."""
    installation.record_the_night(is_overdue=True)


def do_not_back_up(installation: Installation) -> None:
    """The job that backs up hangs."""
    installation.clock.advance(hours=26, seconds=1)
    installation.purge()
    installation.record_the_night()
    installation.ask_for_news()


def fail_a_synthetic_login(installation: Installation) -> None:
    """Prosody does not answer."""
    installation.try_a_login(SyntheticOutcome.NO_ANSWER)


def stop_a_meeting_server(installation: Installation) -> None:
    """It asks for nothing any more."""
    installation.clock.advance(seconds=61)


def let_a_suspension_wait(installation: Installation) -> None:
    """The meeting server asks, but has not carried it out."""
    database, clock = installation.database, installation.clock
    _, done = position(database)
    suspend(database, installation.organiser.username, clock())
    clock.advance(seconds=61)
    acknowledge(database, NODE, done, now=clock())


def fill_the_hashing_queue(installation: Installation) -> None:
    """Others hash, and somebody cannot wait for them."""
    with ExitStack() as slots:
        for name in ("a", "b"):
            slots.enter_context(installation.services.hashing_queue.slot(Place(name), within=9))
        installation.log_in(installation.organiser.username, installation.organiser.password, within=0.01)


def guess(installation: Installation) -> None:
    """Wrong passwords for many names from many networks, one more than staff are alarmed of."""
    for number in range(Limits().overall_alarm + 1):
        name = f"ohg-{''.join('bcdf'[number >> shift & 3] for shift in (0, 2, 4, 6))}"
        installation.log_in(name, "bcdf-bcdf-bcdf", ip=f"198.51.{number}.7")


def rename_a_table(installation: Installation) -> None:
    """The database answers with errors."""
    with installation.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job_runs RENAME TO elsewhere")


def make_read_only(installation: Installation) -> None:
    """The database can only be read, and a login needs to write."""
    forbid_to_write(installation.database)
    assert installation.log_in("nobody", "wrong") == 503
    installation.clock.advance(seconds=3)  # until storage is tried anew


def raise_a_bug(installation: Installation) -> None:
    """Some question meets one."""

    def fail(_request: object) -> Reply:
        raise RuntimeError

    installation.app.routes["GET", "/buggy"] = fail
    assert installation.client.get("/buggy", headers=AUTHORISED).status_code == 500


def ask_without_the_token(installation: Installation) -> None:
    """Prosody has not read the new one yet."""
    sent = question(installation.organiser.username, installation.organiser.password)
    assert installation.client.post("/v1/authenticate", json=sent).status_code == 401


def set_the_clock_on(installation: Installation) -> None:
    """By ten minutes."""
    installation.clock.now += timedelta(minutes=10)
    installation.ask_for_news()


def set_the_clock_back(installation: Installation) -> None:
    """By two days: nothing looks old."""
    installation.clock.now -= timedelta(days=2)


def show_another_token(installation: Installation) -> None:
    """Prosody's file holds another one: it learns of no suspension either."""
    for _ in range(4):
        installation.clock.advance(seconds=20)
        sent = {"node": NODE, "epoch": None, "cursor": 0, "wait": 15}
        refused = installation.client.post(
            "/v1/revocations", json=sent, headers={"Authorization": f"Bearer {'x' * 64}"}
        )
        assert refused.status_code == 401


FAULTS: dict[Callable[[Installation], None], set[str]] = {
    do_not_purge: {"AuthBridgePurgeLate"},
    stay_idle_at_night: {"AuthBridgeDeletionRecord"},
    leave_something: {"AuthBridgeDeletionRecord"},
    do_not_back_up: {"AuthBridgeBackupLate"},
    fail_a_synthetic_login: {"AuthBridgeSyntheticLogin"},
    stop_a_meeting_server: {"AuthBridgeNodeSilent"},
    let_a_suspension_wait: {"AuthBridgeRevocationsWaiting"},
    fill_the_hashing_queue: {"AuthBridgeQueueRejects"},
    guess: {"AuthBridgeGuessing"},
    rename_a_table: {"AuthBridgeStorage"},
    make_read_only: {"AuthBridgeStorage", "AuthBridgeFaults"},
    raise_a_bug: {"AuthBridgeFaults"},
    ask_without_the_token: {"AuthBridgeWrongToken"},
    show_another_token: {"AuthBridgeWrongToken", "AuthBridgeNodeSilent"},
    set_the_clock_on: {"AuthBridgeClock"},
    set_the_clock_back: {"AuthBridgeClock"},
}


def test_a_service_in_order_raises_no_alert(installation: Installation, tmp_path: Path) -> None:
    """Also right after logins, wrong passwords and a suspension that was carried out."""
    before = installation.scrape()
    installation.log_in(installation.organiser.username, installation.organiser.password)
    installation.log_in("nobody", "wrong")
    suspend(installation.database, installation.organiser.username, installation.clock())
    installation.ask_for_news()

    require_alerts(tmp_path, set(), [before, installation.scrape()])


@pytest.mark.own_database
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.__name__) for fault in FAULTS])
def test_a_fault_raises_its_alert_and_no_other(
    installation: Installation, tmp_path: Path, fault: Callable[[Installation], None]
) -> None:
    """By what the service itself tells before and after, in promtool's own evaluation of the rules."""
    before = installation.scrape()
    fault(installation)

    require_alerts(tmp_path, FAULTS[fault], [before, installation.scrape()])


def test_a_full_disk_raises_its_alert(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of the tests' machine cannot be filled: what the system says of it is replaced."""
    shutil.copy(sqlite_template, tmp_path / "authbridge.db")
    installation = Installation(Database(f"sqlite:///{tmp_path / 'authbridge.db'}"))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=400 * 1024 * 1024))

    require_alerts(tmp_path, {"AuthBridgeDiskFull"}, [installation.scrape()])
    installation.database.engine.dispose()


@pytest.mark.soak
def test_logins_that_take_more_than_five_seconds_raise_their_alert(
    installation: Installation, tmp_path: Path
) -> None:
    """One a minute that waits so long for its hash."""
    before = installation.scrape()
    queue, organiser = installation.services.hashing_queue, installation.organiser
    with ExitStack() as slots, ThreadPoolExecutor(1) as prosody:
        for name in ("a", "b"):
            slots.enter_context(queue.slot(Place(name), within=9))
        waiting = prosody.submit(installation.log_in, organiser.username, organiser.password, within=14.5)
        while not queue.waiting:
            time.sleep(0.01)
        time.sleep(5.1)
        slots.close()
        assert waiting.result() == 200

    require_alerts(tmp_path, {"AuthBridgeLoginsSlow"}, [before, installation.scrape()], goes_on=True)


def test_a_service_that_was_killed_raises_its_alert(tmp_path: Path) -> None:
    """A process of its own; before, it told all that the rules ask for, but of meeting servers."""
    service = Service(tmp_path / "service", bcrypt_cost=4)
    database = Database(service.database_url)
    schema.upgrade(database)
    with database.write_session() as session:
        session.add(JobRun(name="backup", done_at=datetime.now(UTC)))
    database.engine.dispose()
    service.start()
    told = _ask(service)
    while "authbridge_deletion_record_age_seconds" not in (told or ""):  # it deletes right after the start
        told = _ask(service)
    service.kill()

    missing = names_in(RULES.read_text()) - {each.name for each in samples(told or "")}
    assert all(name.startswith(("authbridge_node_", "authbridge_synthetic_")) for name in missing)
    require_alerts(tmp_path, {"AuthBridgeDown"}, [told, _ask(service)])


def _ask(service: Service) -> str | None:
    try:
        with urlopen(f"{service.url}/metrics") as answer:  # noqa: S310 - our own address
            return str(answer.read().decode())
    except OSError:
        return None


def test_every_rule_is_met_by_a_fault_and_every_metric_is_told(installation: Installation) -> None:
    """A rule over a name that no service tells would never fire."""
    rules = RULES.read_text()
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    elsewhere = {
        "AuthBridgeDown",
        "AuthBridgeDiskFull",
        "AuthBridgeLoginsSlow",
    }
    assert alerts == elsewhere.union(*FAULTS.values())
    told = {each.name for each in samples(installation.scrape())}
    unseen = set() if installation.database.folder else {"authbridge_disk_free_bytes"}
    assert names_in(rules) - told == unseen


def test_the_rules_begin_and_end_where_they_shall() -> None:
    """``alerts_test.yml`` has the numbers, and the sentences that people read."""
    for arguments in (
        ("check", "rules", str(RULES)),
        ("check", "config", str(RULES.parent / "prometheus.yml")),
        ("test", "rules", str(HERE / "alerts_test.yml")),
    ):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_guessing_is_what_staff_are_alarmed_of() -> None:
    """One number for both: more wrong passwords within an hour than the policy's own limit."""
    limits = Limits()
    assert f"[{limits.overall_window.seconds // 3600}h]) > {limits.overall_alarm}" in RULES.read_text()
