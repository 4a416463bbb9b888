"""Gestures of the walk that `PanelBrowser` does not offer: things are found by their place on a page."""

from selenium.webdriver.common.by import By

from tests.support.panel_browser import PanelBrowser

DONE = "form[action$='/done']"


def press(panel_browser: PanelBrowser, selector: str) -> None:
    """Presses a button or a link, and waits for the page behind it."""
    with panel_browser.next_page():
        panel_browser.browser.find_element(By.CSS_SELECTOR, selector).click()


def tick(panel_browser: PanelBrowser, selector: str) -> None:
    """Ticks a box or a choice."""
    panel_browser.browser.find_element(By.CSS_SELECTOR, selector).click()


def put(panel_browser: PanelBrowser, name: str, value: str) -> None:
    """Writes into a field what cannot be typed into it."""
    panel_browser.browser.execute_script(
        "document.querySelector(`main [name=${arguments[0]}]`).value = arguments[1];", name, value
    )


def show_template(panel_browser: PanelBrowser, name: str) -> None:
    """Shows what the page's script would show in time."""
    panel_browser.browser.execute_script(
        "const region = document.getElementById('session');"
        "region.replaceChildren(document.getElementById(arguments[0]).content.cloneNode(true));",
        name,
    )
