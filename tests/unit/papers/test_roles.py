"""The page of roles and rights is what the code says."""

from workbench.papers import PAPERS
from workbench.papers.roles import render_roles


def test_the_page_is_the_codes() -> None:
    """``make papers`` was run after a right, a view, an audience, a mode of a file or a unit was changed."""
    assert (PAPERS / "roles.md").read_text(encoding="utf-8") == render_roles()


def test_a_right_that_is_given_changes_the_page() -> None:
    """The pages that a clerk must not see are marked so; a page for management alone, and one half-way."""
    page = render_roles()
    assert "| audit: Lists the events of a year, filtered. | – | yes | – | yes |" in page
    assert "| staff: Lists all staff. | – | yes | – | – |" in page
    assert "| auth: Asks for a code, the second step. | half-way | – | – | – |" in page
