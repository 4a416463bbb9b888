"""A school and a service, and names that look alike from outside."""

import pytest

from authbridge.storage.database import Database
from tests.support.stories import Story


@pytest.fixture(name="story")
def begin_story(database: Database) -> Story:
    """A school, a service, and nobody who guessed so far."""
    return Story(database)


@pytest.fixture(name="name", params=["somebody's", "nobody's"])
def choose_name(request: pytest.FixtureRequest, story: Story) -> str:
    """A name that exists or does not: the policy treats them alike."""
    return story.take_over().username if request.param == "somebody's" else "frau.b"
