"""The command line: ``authbridge …``, for the administrator.

Exit codes: 0 done (also when there was nothing to do), 1 it cannot be done as asked, 2 the command
was mistyped, 3 a setting is wrong, 4 the database does not answer.  No secret is ever an argument.
"""

import os

import click

from authbridge import __version__
from authbridge.cli.database import db, purge
from authbridge.cli.lockouts import lockout
from authbridge.cli.nodes import node
from authbridge.cli.operator import Operator
from authbridge.cli.organisers import organiser
from authbridge.cli.schools import school
from authbridge.cli.serving import panel, prosody_config, serve
from authbridge.cli.simulating import simulate_
from authbridge.cli.staff import staff
from authbridge.cli.suspensions import reinstate, suspend
from authbridge.errors import AuthBridgeError, ConfigError, StorageError


class _PlainErrors(click.Group):
    """Turns our errors into a sentence and an exit code."""

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
    cls=_PlainErrors,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings are environment variables; deploy/authbridge.env.example explains each.",
)
@click.version_option(__version__, prog_name="authbridge")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Decides who may open a meeting on a Jitsi server with named hosts."""
    if ctx.obj is None:
        ctx.obj = Operator(os.environ)


for command in (
    db,
    school,
    organiser,
    staff,
    suspend,
    reinstate,
    lockout,
    node,
    serve,
    panel,
    prosody_config,
    simulate_,
    purge,
):
    main.add_command(command)
