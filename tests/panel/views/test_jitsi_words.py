"""The panel's documents for Jitsi's page are public and tell nothing of anybody."""

import pytest

from tests.support.panel.browser import URL
from tests.support.panel.staffed_panel import StaffedPanel


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


@pytest.mark.parametrize("path", ["/jitsi/tcp/branding.json", "/jitsi/bosh/labels-fr.json", "/jitsi/"])
def test_other_documents_are_not_there(panel: StaffedPanel, path: str) -> None:
    """And what else there is may not be read by other sites."""
    missing = panel.app.test_client().get(path, base_url=URL)
    assert missing.status_code in {303, 404}  # to the sign-in, as every address that is none
    assert "Access-Control-Allow-Origin" not in missing.headers
