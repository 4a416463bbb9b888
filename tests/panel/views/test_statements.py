"""Accessibility statement and imprint: everybody may read them, in the operator's words."""

from pathlib import Path

import pytest

from authbridge.letters import Language, Statement, read_statement
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel


@pytest.mark.parametrize("path", ["/accessibility", "/imprint"])
@pytest.mark.parametrize(("language", "telephone"), [("de", "Telefon"), ("en", "Telephone")])
def test_without_an_account(panel: StaffedPanel, path: str, language: str, telephone: str) -> None:
    """They are linked from the foot of every page; whom to write to stands there."""
    browser = panel.browser()
    browser.headers["Accept-Language"] = language
    assert [each["href"] for each in browser.get("/sign-in").html.select("footer a")].count(path) == 1
    page = browser.get(path)
    assert page.status == 200
    assert telephone in page.text
    assert "post@kmz.example.org" in page.text


def test_the_operators_own_words(panel_factory: PanelFactory, tmp_path: Path) -> None:
    """A file in the folder of the operator's texts takes the place of the one that ships; HTML is no HTML."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "imprint.de.md").write_text("# Wer wir sind\n\n**Wir**\n\n## Träger\n\n<b>Kreis</b>\n")
    panel = panel_factory.open(AUTHBRIDGE_LETTER_DIR=folder)
    browser = panel.browser()
    browser.headers["Accept-Language"] = "de"
    page = browser.get("/imprint")
    assert page.title == "Wer wir sind"
    assert [each.get_text() for each in page.html.select("article h2")] == ["Träger"]
    assert "<b>Kreis</b>" in page.text


@pytest.mark.parametrize(
    "text", ["no heading", "# A\n\n![x](/logo.svg)\n", "# A\n\n[x](https://example.org)\n", "# A\n\n# B\n"]
)
def test_what_cannot_be_shown_is_an_error_without_a_path(
    panel_factory: PanelFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """Pictures, links and a second heading of first rank are refused; only the log names the file."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "imprint.de.md").write_text(text)
    browser = panel_factory.open(AUTHBRIDGE_LETTER_DIR=folder).browser()
    browser.headers["Accept-Language"] = "de"
    page = browser.get("/imprint")
    assert page.status == 500
    assert str(folder) not in page.text
    assert "imprint.de.md" in caplog.text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("statement", Statement)
def test_those_that_ship_can_be_read(statement: Statement, language: Language) -> None:
    """Both, in both languages."""
    heading, text = read_statement(None, statement, language)
    assert heading
    assert "@kmz.example.org" in text
