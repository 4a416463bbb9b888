"""What the panel refuses for safety's sake stands in the machine's journal, without names, once an hour."""

import pytest

from authbridge.storage.models import Role
from tests.support.panel.browser import URL
from tests.support.panel.staffed_panel import StaffedPanel


def test_each_kind_leaves_a_line_without_a_name(
    panel: StaffedPanel, caplog: pytest.LogCaptureFixture
) -> None:
    """A page for another role, a form without its token, one from elsewhere, another host; thrice each."""
    panel = panel.apart()  # others have been refused by the shared one
    browser, token = panel.browser(Role.CLERK), panel.browser(Role.ADMIN).token()
    for _ in range(3):
        assert browser.fetch("/staff").status_code == 403
        assert browser.ask("POST", "/schools/add", {"csrf_token": token}).status_code == 400
        foreign = browser.ask(
            "POST", "/schools/add", {"csrf_token": browser.token()}, **{"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status_code == 400
        assert (
            panel.app.test_client().get("/", base_url=URL, headers={"Host": "evil.example"}).status_code
            == 400
        )
    assert [each.message for each in caplog.records if each.message.startswith("refused")] == [
        "refused: a page that is not for the role: clerk at staff.index",
        "refused: a form without a valid token",
        "refused: a form that the browser calls foreign",
        "refused: an address that is not the panel's",
    ]
    panel.clock.advance(hours=1)
    browser = panel.browser(Role.CLERK)
    browser.fetch("/staff")
    assert caplog.messages[-1].endswith("clerk at staff.index (2 more since the last such line)")
