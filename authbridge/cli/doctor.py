"""Adds ``authbridge doctor``."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from authbridge.cli.finding_words import in_words, undone_in_words
from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_json
from authbridge.doctor.reports import FINDINGS_OF_SERVICE, Report
from authbridge.errors import AuthBridgeError, ConfigError
from authbridge.machine import mending
from authbridge.machine.examination import examine, plan_fixes
from authbridge.machine.files import Machine
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.reported_findings import (
    ReportedFinding,
    ReportError,
    pack,
    read_untrusted,
    unpack,
    worst_first,
)
from authbridge.machine.setup import Setup, read_setup
from authbridge.machine.terminal import printable

_SERVICE_USER = "authbridge"
_LEDGER_NAME = "doctor"
_LAST_WORDS = 1_000  # characters of what a program complained of

# As monitoring plugins have them (Monitoring Plugins Development Guidelines, "Plugin Return Codes").
_EXIT_CODES = {Level.OK: 0, Level.NOTE: 0, Level.WARNING: 1, Level.ERROR: 2}
_UNKNOWN = 3


@click.command()
@click.option(
    "--fix",
    is_flag=True,
    help="Change the files as the findings say; each is copied first.",
)
@click.option("--dry-run", is_flag=True, help="With --fix: change nothing, and show each change.")
@click.option("--undo", is_flag=True, help="Take back everything that --fix has changed.")
@click.option("--all", "show_all", is_flag=True, help="Show also what is well.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/"),
    help=(
        "Examine the files of a machine that lie below this folder, and nothing else. To read Prosody's"
        " configuration, its Lua there is run: by root with the right to read alone, by others with theirs."
    ),
)
@click.option("--service", is_flag=True, hidden=True)  # the part that runs as the service's own user
@json_option
@click.pass_context
@pass_operator
def doctor(operator: Operator, context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - as listed above
    """Say what is wrong on this machine, why it matters, and what has to stand where.

    Run it as root. Exit codes, as monitoring has them: 0 all is well, 1 warnings, 2 errors,
    3 it could not look.
    """
    try:
        context.exit(_run(operator, **options))
    except AuthBridgeError as error:
        click.echo(f"Error: {printable(str(error))}", err=True)
        context.exit(_UNKNOWN)
    except OSError as error:  # a log that was rotated while we looked, for example
        click.echo(f"Error: {printable(str(error))}", err=True)
        context.exit(_UNKNOWN)


def _run(operator: Operator, *, root: Path, service: bool, **options: bool) -> int:
    if service:
        _examine_service(operator)
        return 0
    machine = Machine(root)
    if machine.is_live and os.geteuid() != 0:
        raise ConfigError("Only root may read the files of Prosody and nginx: sudo authbridge doctor")
    if options["undo"]:
        return _undo(machine)
    setup = read_setup(machine)
    if options["fix"] and options["dry_run"]:
        return _show_changes(machine, setup)
    if options["fix"]:
        _fix(machine, setup)
    report = _report(machine, setup, operator)
    if options["as_json"]:
        show_json(_as_document(report))
    else:
        _show(report, show_all=options["show_all"])
    return max((_EXIT_CODES[finding.level] for finding in report.findings), default=0)


def _report(machine: Machine, setup: Setup, operator: Operator) -> Report:
    findings = [ReportedFinding.of(finding) for finding in examine(machine, setup)]
    if machine.is_live:
        findings += ask_service(machine, findings)
    return Report(platform.node(), operator.clock(), worst_first(findings))


def ask_service(machine: Machine, findings: Sequence[ReportedFinding]) -> list[ReportedFinding]:
    """Gives the machine's findings to the part that runs as the service's user, and returns what that finds.

    Raises:
        ConfigError: It could not look.
    """
    # Never as root: what SQLite creates beside the database must belong to the service.
    as_service = ("runuser", "-u", _SERVICE_USER, "--", sys.executable, "-P", "-m", "authbridge")
    of_machine = json.dumps([pack(finding) for finding in findings])
    answer = machine.run(*as_service, "doctor", "--service", text=of_machine)
    if answer is None or answer.code != 0:
        said = "" if answer is None else answer.errors.strip()[-_LAST_WORDS:]
        raise ConfigError(
            "The database could not be examined as the user %(user)s: %(said)s", user=_SERVICE_USER, said=said
        )
    try:
        return read_untrusted(answer.output, FINDINGS_OF_SERVICE)
    except ReportError as error:
        return [ReportedFinding.of(_unusable(error))]


def _unusable(error: ReportError) -> Finding:
    return Finding(
        "database",
        Level.ERROR,
        Remark("What was found in the database cannot be used: %(reason)s", reason=error),
        Remark("The program itself writes no such thing: somebody may act as the user of the service."),
        line=f"ps -fu {_SERVICE_USER}",
    )


def _examine_service(operator: Operator) -> None:
    """Reads the machine's findings from standard input, keeps them with ours, and writes ours."""
    from authbridge.doctor.service import examine_service, keep_report  # noqa: PLC0415 - it needs the database

    of_machine = [unpack(packed) for packed in json.load(sys.stdin)]
    database, now = operator.bare_database, operator.clock()
    found = examine_service(
        database,
        operator.encryption,
        offers_panel=operator.config.panel_url is not None,
        backup_folder=operator.config.backup_folder,
        now=now,
    )
    ours = [ReportedFinding.of(finding) for finding in found]
    keep_report(database, Report(platform.node(), now, worst_first([*of_machine, *ours])))
    show_json([pack(finding) for finding in ours])


def _fix(machine: Machine, setup: Setup) -> None:
    mended = mending.mend(machine, setup, by=_LEDGER_NAME)
    for change in mended.changes:
        click.echo(printable(change.diff()), err=True)
    if not mended.changes:
        click.echo("No finding has a change that --fix could make.", err=True)
    _say_restart(mended.restart)


def _show_changes(machine: Machine, setup: Setup) -> int:
    changes = plan_fixes(machine, examine(machine, setup))
    for change in changes:
        click.echo(printable(change.diff()))
    click.echo(f"Files that would be changed: {len(changes)}; nothing was changed.")
    return 0


def _undo(machine: Machine) -> int:
    undone, restart = mending.take_back(machine, by=_LEDGER_NAME)
    say_done(printable("\n".join(map(undone_in_words, undone))) or "There is nothing to take back.")
    _say_restart(restart)
    return _EXIT_CODES[Level.WARNING] if any(each.copy is not None for each in undone) else 0


def _say_restart(services: Sequence[str]) -> None:
    if services:
        command = f"systemctl restart {' '.join(services)}"
        click.echo(f"When no meeting is on (this ends running ones): {command}", err=True)


def _show(report: Report, *, show_all: bool) -> None:
    shown = [finding for finding in report.findings if show_all or finding.level is not Level.OK]
    for finding in shown:
        for line in in_words(finding):
            click.echo(printable(line))
    counts = ", ".join(f"{report.count(level)} {word}" for level, word in _WORDS.items())
    click.echo(f"{report.machine}: {counts}.")


_WORDS = {Level.ERROR: "errors", Level.WARNING: "warnings", Level.NOTE: "notes", Level.OK: "checks in order"}


def _as_document(report: Report) -> dict[str, Any]:
    return {
        "machine": report.machine,
        "examined_at": report.examined_at.isoformat(),
        "counts": {level: report.count(level) for level in Level},
        "findings": [
            {
                "id": finding.id,
                "level": finding.level,
                "what": printable(str(finding.what)),
                "why": finding.why and printable(str(finding.why)),
                "where": printable(finding.where) or None,
                "line": printable(finding.line) or None,
                "fix": finding.is_mendable,
            }
            for finding in report.findings
        ],
    }
