"""The command line: ``authbridge …``, for the administrator.

Exit codes: 0 done (also when there was nothing to do), 1 it cannot be done as asked, 2 the command
was mistyped, 3 a setting is wrong, 4 the database does not answer, 5 it is done, but the words for it could
not be written.  No secret is ever an argument.
"""

import os
from importlib import import_module
from types import MappingProxyType
from typing import NoReturn

import click

from authbridge import __version__
from authbridge.cli.operator import Operator
from authbridge.cli.streams import open_streams
from authbridge.errors import AuthBridgeError, ConfigError, StorageError

_COMMANDS = MappingProxyType(
    {
        "db": "database:db",
        "school": "schools:school",
        "organiser": "organisers:organiser",
        "staff": "staff:staff",
        "suspend": "suspensions:suspend",
        "reinstate": "suspensions:reinstate",
        "import-prosody": "prosody_accounts:import_prosody",
        "lockout": "lockouts:lockout",
        "node": "nodes:node",
        "hold": "holds:hold",
        "report": "reports:report",
        "serve": "serving:serve",
        "panel": "serving:panel",
        "page": "page:page",
        "prosody-config": "serving:prosody_config",
        "jitsi-words": "jitsi_words:jitsi_words",
        "simulate": "simulating:simulate_",
        "synthetic-login": "synthetic_logins:synthetic_login",
        "doctor": "doctor:doctor",
        "backup": "backups:backup",
        "restore": "restoring:restore_",
        "purge": "database:purge",
    }
)
"""The module in this folder, and the name in it."""


class _Commands(click.Group):
    """Reads of its commands the one that is asked for: while the service starts again, logins wait.

    It turns our errors into a sentence and an exit code.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click has it
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AuthBridgeError as error:
            raise _Failure(error) from error


class _Failure(click.ClickException):
    """One of our errors, on its way to the screen."""

    def __init__(self, error: AuthBridgeError) -> None:
        super().__init__(str(error))
        self.exit_code = _exit_code(error)  # type: ignore[misc]  # click declares it for the class


def _exit_code(error: AuthBridgeError) -> int:
    match error:
        case ConfigError():
            return 3
        case StorageError():
            return 4
        case _:
            return 1


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""Exit codes: 0 done, 1 it cannot be done as asked, 2 mistyped, 3 a setting is wrong,
    4 the database does not answer, 5 it is done, but the words for it could not be written.

    Settings are environment variables; deploy/authbridge.env.example explains each.""",
)
@click.version_option(__version__, prog_name="authbridge")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Decides who may open a meeting on a Jitsi server with named hosts."""
    if ctx.obj is None:
        ctx.obj = Operator(os.environ)


def run(operator: Operator | None = None) -> NoReturn:
    """Runs the command line of this process, and ends the process."""
    open_streams()
    main.main(prog_name="authbridge", obj=operator)
