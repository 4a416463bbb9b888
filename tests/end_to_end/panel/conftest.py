"""A browser for the people at the panel."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.support.chromium import open_chromium


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser with an empty profile, shared by the stories of a file."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
