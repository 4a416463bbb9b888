"""Adds ``authbridge synthetic-login``."""

import platform
from datetime import datetime
from pathlib import Path

import click

from authbridge.cli.operator import Operator, pass_operator
from authbridge.cli.output import say_done
from authbridge.errors import ConfigError, StorageError
from authbridge.mail import MailError, MailServer, send
from authbridge.synthetic_login import alerts, running
from authbridge.synthetic_login.bosh import BoshServer
from authbridge.synthetic_login.outcomes import SENTENCES, SyntheticOutcome, SyntheticResult

_FAILED = 1  # exit code


@click.command("synthetic-login")
@click.option(
    "--alert-state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Send mail when logins fail twice in a row, and when they work again; FILE says what was told.",
    metavar="FILE",
)
@click.pass_context
@pass_operator
def synthetic_login(operator: Operator, context: click.Context, alert_state: Path | None) -> None:
    """Log in through Prosody as a browser does, with an account for this alone, and note what came of it.

    A timer does it every five minutes. Exit code 1: the login failed; standard output says how.
    """
    config = operator.config
    if config.synthetic_login_url is None:
        click.echo("AUTHBRIDGE_SYNTHETIC_LOGIN_URL is not set: no login was tried.")
        return
    at = operator.clock()
    result, fault = _try(operator, config.synthetic_login_url)
    if alert_state is not None and config.alert_mail is not None:
        _alert(operator, config.alert_mail, alert_state, result, at)
    if fault is not None:
        raise fault
    say_done(_in_words(result))
    context.exit(0 if result.is_granted else _FAILED)


def _try(operator: Operator, url: str) -> tuple[SyntheticResult, StorageError | None]:
    config = operator.config
    server = BoshServer(url, config.xmpp_host, config.ca_file)
    try:
        result = running.run(
            operator.database, server, operator.hasher, machine=platform.node(), clock=operator.clock
        )
    except StorageError as error:
        return SyntheticResult(SyntheticOutcome.NO_DATABASE), error
    return result, None


def _alert(operator: Operator, server: MailServer, file: Path, result: SyntheticResult, at: datetime) -> None:
    config = operator.config
    state = alerts.after(alerts.read_state(file), result, at=at)
    alert = alerts.due(state, result)
    if alert is not None:
        source = alerts.AlertSource(config.xmpp_host, platform.node(), config.timezone)
        try:
            refused = send(server, alerts.write_mail(alert, state, result, source, at=at))
            state = alerts.told(state, alert)
            if refused:
                click.echo(f"The mail was not accepted for {refused} of its recipients.", err=True)
        except MailError as error:
            click.echo(f"{error} It is tried again at the next login.", err=True)
    try:
        alerts.keep_state(file, state)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            "%(file)s cannot be written: %(reason)s.  Mails may come again at each login.",
            file=file,
            reason=reason,
        ) from error


def _in_words(result: SyntheticResult) -> str:
    detail = f" ({result.detail})" if result.detail else ""
    took = f" ({result.milliseconds} ms)" if result.milliseconds is not None else ""
    return f"{SENTENCES[result.outcome]}{detail}{took}"
