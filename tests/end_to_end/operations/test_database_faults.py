"""A database that is full, read-only or gone: the door is closed, everybody reads why, and it heals.

A teacher logs in through Prosody, a clerk works at the panel, an administrator at the command line.
"""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authbridge.config import read_config
from authbridge.schools.commands.organisers import IssuedCredential
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage.models import JobRun, Role
from bench.visitor import Visitor, form_in
from tests.support.acknowledged import find, patiently
from tests.support.factories import make_organiser, make_school
from tests.support.full_disk import full_disk
from tests.support.login_server import NEWER, login
from tests.support.metrics import require_alerts
from tests.support.site import Site, open_site
from workbench import ROOT
from workbench.prosody import HOST, Prosody, external
from workbench.staff import enrol_member

TEMPORARY = "temporary-auth-failure"
SORRY = "Im Moment kann nichts gelesen oder gespeichert werden."
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")


@dataclass
class Scene:
    """The site with a Prosody, a clerk at the panel, and teachers of whom one is suspended."""

    site: Site
    prosody: Prosody
    clerk: Visitor = field(repr=False)
    teacher: IssuedCredential
    suspended: IssuedCredential
    folder: Path

    def log_in(self, who: IssuedCredential, password: str | None = None) -> str:
        """Returns what Prosody tells the teacher."""
        return asyncio.run(login(self.prosody, "tcp", who.username, password or who.password))

    def suspend(self, who: IssuedCredential) -> tuple[int, str]:
        """Presses “Suspend” on a page that was open before; returns the status and the page that comes."""
        status, _, page = self.clerk.ask("POST", f"/organisers/{who.username}/suspend", self.form)
        return status, page

    def open_page(self) -> None:
        """Opens the teacher's page, whose buttons are pressed later."""
        self.form = form_in(self.clerk.get(self.page), f"{self.page}/suspend")

    @property
    def page(self) -> str:
        """Returns the address of the teacher's page."""
        return f"/organisers/{self.teacher.username}"

    def ask_service(self, path: str) -> tuple[int, str]:
        """Returns what the service tells monitoring."""
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.site.service.port)
        ) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def doctor(self) -> dict[str, str]:
        """Returns what the server check finds of the database: the level of each finding."""
        done = subprocess.run(
            [sys.executable, "-m", "authbridge", "doctor", "--service"],
            input="[]",
            env=os.environ | self.site.panel.environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return {finding["id"]: finding["level"] for finding in json.loads(done.stdout)}


@contextmanager
def open_scene(folder: Path, template: Path, kind: str) -> Iterator[Scene]:
    """Starts everything, and signs the clerk in."""
    with ExitStack() as running:
        site = running.enter_context(open_site(folder / "site", template, kind))
        options = external(site.service.url, site.service.token_file)
        prosody = Prosody(NEWER, folder / "prosody", {HOST: options})
        running.callback(prosody.stop)
        prosody.start()
        make_school(site.database)
        teacher, suspended = (make_organiser(site.database) for _ in range(2))
        services = sign_in_services_of(read_config(site.panel.environ), site.database)
        clerk = Visitor(site.panel.port)
        clerk.sign_in(enrol_member(services, "anna", Role.CLERK))
        with site.database.write_session() as session:
            session.merge(JobRun(name="backup", done_at=datetime.now(UTC)))
        scene = Scene(site, prosody, clerk, teacher, suspended, folder)
        clerk.press(f"/organisers/{suspended.username}/suspend", on=f"/organisers/{suspended.username}")
        yield scene


@pytest.fixture(name="scenes", scope="module")
def make_scenes(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Callable[[str], Scene]]:
    """Yields the scene over a kind of database; each fault leaves it in order."""
    with ExitStack() as running:
        opened: dict[str, Scene] = {}

        def scene_of(kind: str) -> Scene:
            if kind not in opened:
                folder = tmp_path_factory.mktemp(kind)
                if kind == "sqlite":
                    running.enter_context(full_disk(folder / "site", kilobytes=8192))
                opened[kind] = running.enter_context(open_scene(folder, sqlite_template, kind))
            return opened[kind]

        yield scene_of


@contextmanager
def fill_disk(scene: Scene) -> Iterator[None]:
    """The disk of the database is full to its last byte."""
    filling = scene.folder / "site/filling"
    scene.site.database.empty_write_ahead_log()  # in which there may be room
    _fill(filling)
    try:
        yield
    finally:
        filling.unlink()


@contextmanager
def forbid_to_write(scene: Scene) -> Iterator[None]:
    """PostgreSQL takes no changes, as a standby or a server whose administrator said so."""
    _of_postgres(scene, "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
    try:
        yield
    finally:
        _of_postgres(
            scene,
            "SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only;"
            " SELECT pg_reload_conf()",
        )


@contextmanager
def forbid_new_sessions_to_write(scene: Scene) -> Iterator[None]:
    """Likewise for this database alone: sessions that were opened meanwhile never hear that it is over."""
    _of_postgres(
        scene,
        "ALTER DATABASE authbridge_1 SET default_transaction_read_only = on;"
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'authbridge_1'",
    )
    try:
        yield
    finally:
        _of_postgres(
            scene,
            "SET default_transaction_read_only = off;"
            "ALTER DATABASE authbridge_1 RESET default_transaction_read_only",
        )


def _of_postgres(scene: Scene, script: str) -> None:
    assert scene.site.postgres is not None
    scene.site.postgres.run_sql(script)


@contextmanager
def stop_postgres(scene: Scene) -> Iterator[None]:
    """Nobody listens any more."""
    assert scene.site.postgres is not None
    scene.site.postgres.kill()
    try:
        yield
    finally:
        scene.site.postgres.start_again()


FAULTS = [
    pytest.param("sqlite", fill_disk, {"AuthBridgeDiskFull"}, id="full disk", marks=NEEDS_ROOT),
    pytest.param("postgresql", forbid_to_write, set(), id="read-only", marks=pytest.mark.soak),
    pytest.param("postgresql", forbid_new_sessions_to_write, set(), id="read-only for new sessions"),
    pytest.param("postgresql", stop_postgres, set(), id="stopped"),
]


@pytest.mark.parametrize(("kind", "fault", "others"), FAULTS)
def test_a_fault_of_the_database_closes_the_door_is_told_and_heals(
    scenes: Callable[[str], Scene],
    tmp_path: Path,
    kind: str,
    fault: Callable[[Scene], contextlib.AbstractContextManager[None]],
    others: set[str],
) -> None:
    """Nobody gets in or is called wrong, nothing is changed; afterwards all is as it was acknowledged."""
    scene = scenes(kind)
    scene.open_page()
    assert scene.log_in(scene.teacher) == "success"
    _, before = scene.ask_service("/metrics")
    known = find(scene.site.database, scene.teacher.username, is_school=False)

    with fault(scene):
        for who, password in ((scene.teacher, None), (scene.teacher, "wrong"), (scene.suspended, None)):
            assert scene.log_in(who, password) == TEMPORARY
        status, page = scene.suspend(scene.teacher)
        assert (status, SORRY in page) == (503, True), page
        with pytest.raises(RuntimeError, match="Error: The database does not answer: "):
            scene.site.service.command("suspend", "organiser", scene.teacher.username, "--reason", "misuse")
        assert patiently(lambda: _not_ready(scene))["storage"] == "cannot be written"
        assert "error" in {level for name, level in scene.doctor().items() if name in {"database", "storage"}}
        _, during = scene.ask_service("/metrics")
        for log in (scene.site.service.log, scene.site.panel.process.log):
            assert "ERROR storage: The database does not answer: " in log.read_text()

    require_alerts(tmp_path, {"AuthBridgeStorage", "AuthBridgeFaults"} | others, [before, during])
    # The first refusal after the fault may still be that of a connection from before its end.
    patiently(lambda: _require_granted(scene))
    assert scene.log_in(scene.suspended) == "account-disabled"
    assert find(scene.site.database, scene.teacher.username, is_school=False) == known
    assert scene.suspend(scene.teacher)[0] == 303
    assert scene.log_in(scene.teacher) == "account-disabled"
    scene.clerk.press(f"{scene.page}/reinstate", on=scene.page)


def _not_ready(scene: Scene) -> dict[str, str]:
    """The answer may be that of three seconds ago, when something else was not ready yet."""
    status, words = scene.ask_service("/readyz")
    found: dict[str, str] = json.loads(words)
    if found["storage"] == "ok":
        raise ConnectionError
    assert status == 503
    return found


def test_connections_that_are_cut_harm_nobody(scenes: Callable[[str], Scene]) -> None:
    """As by a restart of a firewall: the next login and the next click get new ones."""
    scene = scenes("postgresql")
    scene.open_page()
    assert scene.log_in(scene.teacher) == "success"
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'authbridge_1'"
    _of_postgres(scene, cut)
    assert scene.log_in(scene.teacher) == "success"
    _of_postgres(scene, cut)
    assert scene.suspend(scene.teacher)[0] == 303
    assert scene.log_in(scene.teacher) == "account-disabled"
    scene.clerk.press(f"{scene.page}/reinstate", on=scene.page)


def test_a_port_that_is_silent_is_told_in_time_and_heals(scenes: Callable[[str], Scene]) -> None:
    """Its processes stand still, as on a disk that hangs: Prosody gives up, and goes on when they do."""
    scene = scenes("postgresql")
    assert scene.log_in(scene.teacher) == "success"
    with frozen(scene):
        for who in (scene.teacher, scene.suspended):
            assert scene.log_in(who) == TEMPORARY
    patiently(lambda: _require_granted(scene))
    assert scene.log_in(scene.suspended) == "account-disabled"


@contextmanager
def frozen(scene: Scene) -> Iterator[None]:
    """The port takes connections, and says nothing."""
    postgres = scene.site.postgres
    assert postgres is not None
    processes = [postgres.process.pid, *postgres.backends()]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def _require_granted(scene: Scene) -> None:
    """Prosody asks no more for a while after time-outs, until the service shows that it lives."""
    if scene.log_in(scene.teacher) != "success":
        raise ConnectionError


@NEEDS_ROOT
def test_full_disks_of_logs_and_temporary_files_harm_nobody(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Service and panel start, teachers log in, clerks suspend; only what would be logged is lost."""
    full, site = tmp_path / "full", tmp_path / "site"
    site.mkdir()
    with full_disk(full):
        for name in ("service.log", "panel.log"):
            (full / name).touch()
            (site / name).symlink_to(full / name)
        _fill(full / "filling")
        monkeypatch.setenv("TMPDIR", str(full))
        with open_scene(tmp_path, sqlite_template, "sqlite") as scene:
            assert scene.log_in(scene.teacher) == "success"
            assert scene.log_in(scene.suspended) == "account-disabled"
            status, _ = scene.ask_service("/v1/revocations")  # without the token, which is logged
            assert status == 401
            assert scene.log_in(scene.teacher, "bcdf-bcdf-bcdf") == "not-authorized"
            scene.open_page()
            assert scene.suspend(scene.teacher)[0] == 303
            assert scene.log_in(scene.teacher) == "account-disabled"
            assert (full / "service.log").stat().st_size < 16 * 1024


def _fill(filling: Path) -> None:
    with filling.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
