"""The panel, a clerk, and names that look alike from outside."""

import pytest

from authbridge.storage.database import Database
from tests.support.factories import Member, make_invited, make_staff
from tests.support.sign_in import Panel


@pytest.fixture(name="panel")
def open_panel(database: Database) -> Panel:
    """Nobody has guessed so far."""
    return Panel(database)


@pytest.fixture(name="anna")
def make_anna(database: Database) -> Member:
    """A clerk."""
    return make_staff(database)


@pytest.fixture(name="name", params=["somebody's", "invited", "nobody's"])
def choose_name(request: pytest.FixtureRequest, database: Database) -> str:
    """A name that exists, has not enrolled, or does not exist: outside they look alike."""
    match request.param:
        case "somebody's":
            return make_staff(database).name
        case "invited":
            make_invited(database)
            return "anna"
        case _:
            return "anna"
