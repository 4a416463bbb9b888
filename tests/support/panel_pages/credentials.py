"""Credentials on the walk: issued, printed, reset, and taken over from tables."""

from collections.abc import Iterator

from selenium.webdriver.common.by import By

from tests.support.panel_browser import PanelBrowser
from tests.support.panel_pages.gestures import DONE, press
from tests.support.panel_pages.sample_schools import LONG_NAME, Sights
from tests.support.panel_pages.shown import Shown

_SCHOOLS = (
    "Kürzel;Name;Straße;Ort;Kontingent;Netze;Vertrag (AVV)\r\n"
    "odd;;Große Allee 12;74072 Heilbronn;70;198.51.100.7 2001:db8:12::/48;01.09.2026\r\n"
    f"neu;Neue Schule;;;;;fehlt\r\nlang;{LONG_NAME};;;25;;\r\n"
)


def handing_out(panel_browser: PanelBrowser, sights: Sights) -> Iterator[Shown]:
    """Yields credentials from the form to the printed letters, the terms, and one that is reset."""
    panel_browser.open("/schools/ohg/issue")
    yield Shown("issue")
    panel_browser.fill(count="0")
    panel_browser.send()
    yield Shown("issue-wrong", 422)
    panel_browser.fill(count="12")
    panel_browser.send()
    panel_browser.browser.execute_script("window.stop();")  # else the page asks again each second
    yield Shown("credentials-progress")
    panel_browser.open(panel_browser.path)
    panel_browser.await_element(DONE)
    yield Shown("credentials")
    press(panel_browser, f"{DONE} button")
    yield Shown("credentials-wipe")
    panel_browser.send()
    yield Shown("credentials-done")
    panel_browser.open("/schools/ohg/issue")
    panel_browser.browser.find_element(By.CSS_SELECTOR, "input[name=shape][value=slips]").click()
    panel_browser.send()
    panel_browser.await_element(DONE)
    yield Shown("credentials-envelope")
    panel_browser.open("/terms")
    press(panel_browser, "form[action$='/terms/send'] button")
    yield Shown("terms-sent")
    panel_browser.open("/terms")
    yield Shown("terms-with-all")
    panel_browser.open(f"/organisers/{sights.active}/reset")
    yield Shown("reset")
    panel_browser.send()
    panel_browser.await_element(DONE)
    yield Shown("credentials-reset")
    panel_browser.open("/credentials/nothing/over")
    yield Shown("credentials-over", 410)
    panel_browser.open("/credentials/nothing")
    yield Shown("credentials-gone", 410)


def imports(panel_browser: PanelBrowser) -> Iterator[Shown]:
    """Yields tables of organisers and of schools, with faults and without."""
    panel_browser.open("/import/organisers")
    yield Shown("import")
    panel_browser.send()
    yield Shown("import-no-file", 422)
    panel_browser.open("/import/organisers")
    panel_browser.send_file("table", b"Schule;Anmeldename;Passwort\nohg;t.021; Brot\nohg;t.022;\n\xff\n")
    yield Shown("import-faults-of-the-file", 422)
    panel_browser.open("/import/organisers")
    panel_browser.send_file("table", b"Schule;Anmeldename;Passwort\nxyz;t.021;Brot\nOHG;t.022;Brot\n")
    yield Shown("import-faults")
    panel_browser.open("/import/organisers")
    lines = "".join(
        f"{LONG_NAME if number % 3 else 'odd'};t.{number:03};Brot {number};\n" for number in range(30)
    )
    panel_browser.send_file("table", f"Schule;Anmeldename;Passwort;Gültig bis\n{lines}".encode())
    yield Shown("import-shown")
    press(panel_browser, "form[action$='/run'] button")
    panel_browser.browser.execute_script("window.stop();")  # else the page asks again each second
    yield Shown("import-progress")
    panel_browser.open(panel_browser.path)
    panel_browser.await_element(".notice.warn")
    yield Shown("import-done")
    panel_browser.open("/import/organisers/nothing")
    yield Shown("import-gone", 410)
    panel_browser.open("/import/schools")
    yield Shown("import-schools")
    panel_browser.send_file("table", _SCHOOLS.encode("cp1252"))
    yield Shown("import-schools-shown")
    press(panel_browser, "form[action$='/run'] button")
    yield Shown("import-schools-done")
    panel_browser.open("/import/schools")
    panel_browser.send_file("table", _SCHOOLS.encode("cp1252"))
    yield Shown("import-schools-nothing-to-change")
