"""Alarms about guesses at the panel's sign-in, raised after the answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, get_ident

import pytest
from sqlalchemy import text

from authbridge.config import read_config
from authbridge.staff.sign_in import sign_in_services_of
from authbridge.storage.database import Database
from authbridge.storage.models import SessionStage
from tests.support.factories import HOST, Member, make_visit
from tests.support.sign_in import LOCKED, REFUSED, Panel
from workbench.processes import PATIENCE


def test_the_first_wrong_code_is_told(panel: Panel, anna: Member) -> None:
    """Somebody has her password; once a day, and anew after an admin looked at it."""
    visit = panel.half(anna)
    for number in range(3):
        panel.code(visit, f"{number:06}")
    assert panel.alarms() == [("staff:code-refused", "anna")]

    panel.clock.advance(days=1)
    panel.code(panel.half(anna), "000000")
    assert panel.alarms() == [("staff:code-refused", "anna")] * 2


@pytest.mark.usefixtures("anna")
def test_it_is_told_after_the_answer(panel: Panel) -> None:
    """So that the answer takes no longer for a name that is somebody's."""
    later = list[Callable[[], None]]()
    panel.services = replace(panel.services, run_later=later.append)
    panel.guesses("anna", 5)
    panel.code(make_visit(panel.database, stage=SessionStage.PASSWORD), "000000")
    assert panel.alarms() == []

    for tell in later:
        tell()

    assert panel.alarms() == [("staff:guessed", "anna"), ("staff:code-refused", "anna")]


@pytest.mark.own_database
@pytest.mark.usefixtures("anna")
def test_what_cannot_be_told_breaks_nothing(panel: Panel, caplog: pytest.LogCaptureFixture) -> None:
    """The guess is refused and counted; the log says where it failed, and no more."""
    with panel.database.write_session() as session:
        session.execute(text("DROP TABLE alarms_raised"))
        session.execute(text("CREATE TABLE alarms_raised (about VARCHAR, at TIMESTAMP)"))

    assert panel.guesses("anna", 6) == [REFUSED] * 5 + [LOCKED]

    (said,) = caplog.messages
    assert said.startswith("an alarm was not raised: StorageError at ")
    assert "anna" not in said


def test_in_production_another_thread_tells(database: Database, tmp_path: Path) -> None:
    """After a moment, in which the answer is given."""
    for name in ("api-token", "secret-key"):
        (tmp_path / name).write_text("k" * 32)
    environ = {
        "AUTHBRIDGE_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
        "AUTHBRIDGE_API_TOKEN_FILE": str(tmp_path / "api-token"),
        "AUTHBRIDGE_SECRET_KEY_FILE": str(tmp_path / "secret-key"),
        "AUTHBRIDGE_XMPP_HOST": HOST,
    }
    services, who, told = sign_in_services_of(read_config(environ), database), [0], Event()

    def tell() -> None:
        who[0] = get_ident()
        told.set()

    services.run_later(tell)

    assert told.wait(PATIENCE)
    assert who[0] != get_ident()
