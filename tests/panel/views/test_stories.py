"""Staff add a school, issue access and print, from page to page."""

import re

from authbridge.storage.models import Role
from tests.support.panel.staffed_panel import StaffedPanel


def test_a_clerk_adds_a_school_and_issues_access(panel: StaffedPanel) -> None:
    """A clerk adds a school, issues access, and prints the letters."""
    browser = panel.browser(Role.CLERK)
    page = browser.send(
        browser.get("/schools/add"), code="OHG", name="Otto-Hahn-Gymnasium", place="74072 Heilbronn"
    )
    assert page.path == "/schools/ohg", page.text
    page = browser.send(browser.get("/schools/ohg/issue"), count="3")
    assert page.path.startswith("/credentials/"), page.text
    names = re.findall(r"ohg-[a-z]{4}", page.text)
    assert len(set(names)) == 3, page.text
    pdf = browser.fetch(f"{page.path}/letters.pdf")
    assert pdf.data.startswith(b"%PDF"), pdf.data[:200]
