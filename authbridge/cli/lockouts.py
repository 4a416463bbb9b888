"""Adds ``authbridge lockout …``."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import json_option, say_done, show_rows
from authbridge.login.commands import clear_name, clear_network
from authbridge.login.lockouts import Lockout, list_lockouts
from authbridge.login.policy import Reason


@click.group()
def lockout() -> None:
    """Show and end the waits after too many wrong passwords."""


@lockout.command("list")
@json_option
@pass_operator
def list_(operator: Operator, *, as_json: bool) -> None:
    """List the names and networks that wait at this moment; in German if the locale is German."""
    now, config = operator.clock(), operator.config
    with operator.database.read_session() as session:
        found = list_lockouts(session, operator.keyed_hashes, now=now, limits=config.limits)
    words = _GERMAN if operator.is_german else _ENGLISH
    rows = [_as_row(each, words, now, config.timezone) for each in found]
    show_rows(rows, as_json=as_json, nothing=words["nothing"])


@lockout.command()
@click.argument("name", required=False)
@click.option("--network", metavar="IP", help="An address, or the network as “lockout list” shows it.")
@pass_operator
def clear(operator: Operator, name: str | None, network: str | None) -> None:
    """Let NAME, or a network with all names there, try again at once; staff are named like staff:anna."""
    actor, now = operator.actor, operator.clock()
    with operator.database.write_session() as session:
        if name is not None and network is None:
            changed = clear_name(session, name, keyed_hashes=operator.keyed_hashes, actor=actor, now=now)
        elif network is not None and name is None:
            changed = clear_network(session, network, of_staff_too=True, actor=actor, now=now)
        else:
            raise click.UsageError("Give either NAME or --network IP.")
    subject = name or network
    say_done(f"“{subject}” may try again." if changed else f"“{subject}” did not have to wait.")


_ENGLISH = {
    "nothing": "Nobody has to wait.",
    "nobody": "(no such name)",
    "everybody": "(all names)",
    "failures": "{count} wrong passwords",
    "failure": "1 wrong password",
    "since": "since {since}",
    "own": "from the school's network",
    "from": "from {network}",
    "unknown": "from an unknown network",
    "all": "from all networks together",
    "foreign": "from networks where this name is not known; known ones are free",
    "panel": "{place} at the panel",
    "free": "free in {left}",
}
_GERMAN = {
    "nothing": "Niemand muss warten.",
    "nobody": "(kein solcher Name)",
    "everybody": "(alle Namen)",
    "failures": "{count} falsche Passwörter",
    "failure": "1 falsches Passwort",
    "since": "seit {since}",
    "own": "aus dem Netz der Schule",
    "from": "aus {network}",
    "unknown": "aus einem unbekannten Netz",
    "all": "aus allen Netzen zusammen",
    "foreign": "aus Netzen, in denen dieser Name nicht bekannt ist; bekannte sind frei",
    "panel": "{place} am Panel",
    "free": "frei in {left}",
}


def _as_row(found: Lockout, words: dict[str, str], now: datetime, timezone: tzinfo) -> dict[str, Any]:
    nobody = words["everybody"] if found.rule is Reason.NETWORK_WAITS else words["nobody"]
    return {
        "name": found.username or nobody,
        "network": found.network,
        "why": _sentence(found, words, now, timezone),
        "until": found.until.astimezone(timezone).isoformat(timespec="seconds"),
    }


def _sentence(found: Lockout, words: dict[str, str], now: datetime, timezone: tzinfo) -> str:
    count = words["failure" if found.failures == 1 else "failures"].format(count=found.failures)
    since = words["since"].format(since=_moment(found.since.astimezone(timezone), now.astimezone(timezone)))
    free = words["free"].format(left=_duration(found.until - now))
    return f"{count} {since} {_place(found, words)}; {free}"


def _place(found: Lockout, words: dict[str, str]) -> str:
    place = _network(found, words)
    return words["panel"].format(place=place) if found.at_panel else place


def _network(found: Lockout, words: dict[str, str]) -> str:
    if found.rule is Reason.ACCOUNT_WAITS:
        return words["all" if found.is_own else "foreign"]
    if found.network is None:
        return words["unknown"]
    return words["own"] if found.is_own else words["from"].format(network=found.network)


def _moment(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def _duration(left: timedelta) -> str:
    minutes, seconds = divmod(max(0, round(left.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
