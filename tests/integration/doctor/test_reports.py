"""The latest report of each server is kept for the panel, and not for longer than a month."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from authbridge.doctor import reports
from authbridge.doctor.reports import Report
from authbridge.machine.findings import Level
from authbridge.machine.reported_findings import Packed, ReportError, pack, read_untrusted, worst_first
from authbridge.storage.database import Database
from tests.support.fakes import MORNING
from tests.support.findings import make_finding


def keep(database: Database, machine: str, *levels: Level, days_ago: int = 0) -> Report:
    """Keeps a report with a finding of each level."""
    findings = [make_finding(f"check-{level}", level) for level in levels]
    report = Report(machine, MORNING - timedelta(days=days_ago), worst_first(findings))
    with database.write_session() as session:
        reports.keep(session, report)
    return report


def kept(database: Database) -> list[Report]:
    """Returns all that is kept."""
    with database.read_session() as session:
        return reports.kept_reports(session)


def test_a_report_comes_back_worst_first(database: Database) -> None:
    """Also its sentences with their values, which are translated when somebody reads them."""
    keep(database, "meet", Level.OK, Level.ERROR, Level.NOTE, Level.WARNING)

    (report,) = kept(database)

    assert [each.level for each in report.findings] == [Level.ERROR, Level.WARNING, Level.NOTE, Level.OK]
    assert str(report.findings[0].what) == "/etc/nginx/nginx.conf was found to be at fault by check-error."
    assert report.findings[0].what.sentence == "%(file)s was found to be at fault by %(name)s."
    assert report.count(Level.ERROR) == 1


def test_each_server_has_its_latest(database: Database) -> None:
    """A new report takes the place of the former one."""
    keep(database, "b", Level.ERROR, days_ago=1)
    keep(database, "a", Level.WARNING)
    keep(database, "b", Level.OK)

    assert [(each.machine, each.findings[0].level) for each in kept(database)] == [
        ("a", Level.WARNING),
        ("b", Level.OK),
    ]


def test_a_server_that_is_gone_is_forgotten(database: Database) -> None:
    """A month after its last report."""
    keep(database, "gone", Level.OK, days_ago=31)
    keep(database, "there", Level.OK, days_ago=29)

    with database.write_session() as session:
        reports.purge(session, now=MORNING)

    assert [each.machine for each in kept(database)] == ["there"]


def _written(change: Callable[[Packed], object] | None = None) -> str:
    packed = pack(make_finding("database", Level.WARNING))
    if change is not None:
        change(packed)
    return json.dumps([packed])


def _saying(sentence: str, **values: str) -> Callable[[Packed], object]:
    return lambda packed: packed.update(what={"sentence": sentence, "values": values})


def test_what_the_services_user_has_found_is_read() -> None:
    """As it was packed."""
    (found,) = read_untrusted(_written(), {"database"})
    assert str(found.what) == "/etc/nginx/nginx.conf was found to be at fault by database."
    assert str(read_untrusted(_written(_saying("100% of it")), {"database"})[0].what) == "100% of it"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "{}x",
        "[1]",
        '["database"]',
        "[" + "1," * 200_000 + "1]",
        _written(_saying("%(a)999999999s", a="x")),
        _written(_saying("%(a).999999999f", a="1")),
        _written(_saying("%(b)s", a="x")),
        _written(_saying("%s", a="x")),
        _written(_saying("%(a)s" * 700, a="x" * 700)),
        _written(_saying("x" * 100_000)),
        _written(lambda packed: packed.update(what="x")),
        _written(lambda packed: packed.update(line="x" * 100_000)),
        _written(lambda packed: packed.update(line=["x"])),
        _written(lambda packed: packed.update(where=None)),
        _written(lambda packed: packed.update(level="fine")),
        _written(lambda packed: packed.update(id="nginx-address")),
        _written(lambda packed: packed.update(id=["database"])),
    ],
    ids=range(19),
)
def test_what_would_harm_the_reader_is_none(text: str) -> None:
    """Root reads what the service's user writes: it may fill neither memory nor terminal, nor pretend."""
    with pytest.raises(ReportError):
        read_untrusted(text, {"database"})
