"""The command line over a database of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authbridge.cli import main
from authbridge.cli.operator import Operator

Run = Callable[..., Result]


@pytest.fixture(name="environ")
def make_environ(tmp_path: Path) -> dict[str, str]:
    """Settings of a new installation over SQLite."""
    (tmp_path / "secret").write_text("s" * 64)
    return {
        "AUTHBRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'authbridge.db'}",
        "AUTHBRIDGE_API_TOKEN_FILE": str(tmp_path / "secret"),
        "AUTHBRIDGE_SECRET_KEY_FILE": str(tmp_path / "secret"),
        "AUTHBRIDGE_XMPP_HOST": "meet.test",
        "AUTHBRIDGE_BCRYPT_COST": "4",
    }


@pytest.fixture(name="run")
def make_run(environ: dict[str, str]) -> Run:
    """``run("school", "list")`` runs ``authbridge school list``."""

    def run(*arguments: str, code: int = 0, typed: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, obj=Operator(environ), input=typed)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture(name="school")
def make_school(run: Run) -> str:
    """A school in a fresh database."""
    run("db", "upgrade")
    run("school", "add", "ohg", "Otto-Hahn-Gymnasium")
    return "ohg"
