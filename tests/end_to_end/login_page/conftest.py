"""One login page and its service, shared by the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.login_page import LoginPageServer, open_login_page


@pytest.fixture(name="server", scope="session")
def start_login_page(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[LoginPageServer]:
    """Runs the page, and the service over SQLite."""
    with open_login_page(tmp_path_factory.mktemp("login-page"), sqlite_template) as server:
        yield server
