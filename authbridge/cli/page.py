"""Adds ``authbridge page``: the login page, and what leads to it."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from authbridge.cli.finding_words import in_words, undone_in_words
from authbridge.cli.output import say_done
from authbridge.cli.serving import serve_page
from authbridge.errors import ConfigError
from authbridge.machine.examination import examine
from authbridge.machine.files import Change, Machine
from authbridge.machine.findings import Level
from authbridge.machine.page_switch import PageError, left_on, plan_on, switch_off, switch_on
from authbridge.machine.reported_findings import ReportedFinding, worst_first
from authbridge.machine.setup import Setup, read_setup
from authbridge.machine.terminal import printable

_SHOWN_AFTERWARDS = ("page-", "website-", "nginx-", "prosody-guests", "prosody-address", "prosody-check")
_root = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/"),
    help="Change the files of a machine that lie below this folder, and start nothing.",
)


@click.group()
def page() -> None:
    """Offer a login page below Jitsi's address, in place of Jitsi's own dialog."""


page.add_command(serve_page)


@page.command("on")
@click.argument("host")
@click.option("--dry-run", is_flag=True, help="Change nothing, and show each change.")
@click.option(
    "--restart",
    is_flag=True,
    help="Restart Prosody if it takes no tokens otherwise: ends running meetings.",
)
@_root
def on(host: str, root: Path, *, dry_run: bool, restart: bool) -> None:
    """Send organisers of HOST to the login page.

    Changes files of Prosody, nginx and Jitsi's website, each is copied first, and starts a systemd socket. No
    meeting ends. Run it as root, as often as you like.
    """
    machine = _machine(root)
    setup = read_setup(machine)
    plan = plan_on(machine, setup, host)
    changes = [*plan.page, *plan.website]
    _show(changes)
    if dry_run:
        click.echo(f"Files that would be changed: {len(changes)}; nothing was changed.")
        return
    switch_on(machine, plan, setup, restart=restart)
    say_done(f"The login page is on: https://{setup.host}. Files changed: {len(changes)}.")
    _check(machine, setup)


@page.command("off")
@_root
def off(root: Path) -> None:
    """Take all of it back: people get Jitsi's own dialog again.

    The line of the website goes first. Run it as root, as often as you like.
    """
    machine = _machine(root)
    undone = switch_off(machine)
    say_done(printable("\n".join(map(undone_in_words, undone))) or "There is nothing to take back.")
    if (where := left_on(machine, read_setup(machine))) is not None:
        raise PageError("%(where)s still sends people to the login page: take it out.", where=where)
    if undone:
        click.echo(
            "Prosody goes on to take the tokens of running meetings until it reads its files again:"
            " when its log is rotated, or by systemctl reload prosody.",
            err=True,
        )


def _machine(root: Path) -> Machine:
    machine = Machine(root)
    if machine.is_live and os.geteuid() != 0:
        raise ConfigError("Only root may change the files of Prosody and nginx: sudo authbridge page …")
    return machine


def _show(changes: Sequence[Change]) -> None:
    for change in changes:
        words = f"+ {change.name} -> {change.after}\n" if change.is_link else change.diff()
        click.echo(printable(words))


def _check(machine: Machine, setup: Setup) -> None:
    found = [ReportedFinding.of(each) for each in examine(machine, setup)]
    shown = [each for each in worst_first(found) if each.id.startswith(_SHOWN_AFTERWARDS)]
    for finding in shown:
        if finding.level is not Level.OK:
            for line in in_words(finding):
                click.echo(printable(line))
    if any(each.level is Level.ERROR for each in shown):
        raise PageError("It does not work as it must yet: see above.")
