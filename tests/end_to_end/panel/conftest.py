"""A browser for the people at the panel."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.support.chromium import open_chromium
from tests.support.panel_browser import PanelBrowser, PanelServer


@pytest.fixture(name="browser", scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser with an empty profile, shared by the stories of a file."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(name="panel_browser")
def sit_down(browser: Chrome, panel_server: PanelServer) -> Iterator[PanelBrowser]:
    """That browser, as if for the first time; it speaks German."""
    panel_browser = PanelBrowser(browser, panel_server.panel.url)
    panel_browser.open("/sign-in")
    browser.delete_all_cookies()
    panel_browser.open("/sign-in")
    panel_browser.press("Deutsch")
    yield panel_browser
    panel_browser.run_scripts(are_on=True)
