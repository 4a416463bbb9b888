"""The panel's documents for Jitsi's page are public and tell nothing of anybody."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.panel.browser import URL
from tests.support.panel.staffed_panel import PanelFactory, StaffedPanel


@pytest.mark.parametrize("transport", ["websocket", "bosh"])
def test_branding_leads_to_the_labels(panel: StaffedPanel, transport: str) -> None:
    """Anybody follows it from the address in config.js to the sentences, from another site."""
    found = panel.app.test_client().get(f"/jitsi/{transport}/branding.json", base_url=URL)
    addresses = found.get_json()["labels"]
    assert addresses.keys() == {"de", "en"}
    labels = [panel.app.test_client().get(address) for address in addresses.values()]
    assert all(said.get_json()["dialog"]["incorrectPassword"] for said in labels)
    for said in (found, *labels):  # each of a browser that was never here
        assert said.headers["Access-Control-Allow-Origin"] == "*"
        assert said.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert said.headers["Cache-Control"] == "public, max-age=300"
        assert "Set-Cookie" not in said.headers
        assert said.content_type == "application/json"


def test_the_address_of_the_labels_is_the_panels(panel: StaffedPanel) -> None:
    """Not one that the request makes up: Jitsi's page shows the labels as HTML."""
    found = panel.app.test_client().get(
        "/jitsi/websocket/branding.json", base_url=f"http://{urlsplit(URL).hostname}:9999"
    )
    assert all(address.startswith(f"{URL}/jitsi/") for address in found.get_json()["labels"].values())


def test_a_line_about_help_that_cannot_be_used_is_left_out(
    panel_factory: PanelFactory, tmp_path: Path
) -> None:
    """Visitors get the line that ships, and learn nothing of this machine's folders."""
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "help.de.md").write_text("one\ntwo\n")
    panel = panel_factory.open(AUTHBRIDGE_LETTER_DIR=folder)
    said = panel.app.test_client().get("/jitsi/websocket/labels-de.json", base_url=URL)
    assert said.status_code == 200
    assert "Hilfe bekommen Sie bei Ihrem Medienzentrum." in said.get_json()["dialog"]["incorrectPassword"]


@pytest.mark.parametrize("path", ["/jitsi/tcp/branding.json", "/jitsi/bosh/labels-fr.json", "/jitsi/"])
def test_other_documents_are_not_there(panel: StaffedPanel, path: str) -> None:
    """And what else there is may not be read by other sites."""
    missing = panel.app.test_client().get(path, base_url=URL)
    assert missing.status_code in {303, 404}  # to the sign-in, as every address that is none
    assert "Access-Control-Allow-Origin" not in missing.headers
