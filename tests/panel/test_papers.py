"""The papers of ``deploy/papers`` name each door of the panel."""

from tests.support.panel.routes import EVERYBODY, HALF_WAY
from tests.support.panel.staffed_panel import StaffedPanel
from workbench.papers import PAPERS

WITHOUT_SECRETS = {
    "static",
    "auth.sign_out",
    "auth.language",
    "jitsi_words.show_branding",
    "jitsi_words.show_labels",
    "report.blocked",
    "report.look",
    "report.accessibility",
    "report.imprint",
    "statements.accessibility",
    "statements.imprint",
}
"""Views that are open to everybody, and where nobody can get in by anything."""


def test_every_way_in_is_in_the_paper(panel: StaffedPanel) -> None:
    """Each view of the panel that takes a secret from somebody who is not signed in."""
    doors = (EVERYBODY | set(HALF_WAY)) - WITHOUT_SECRETS - {"auth.enrol"}  # behind the invitation
    rules = {str(rule) for rule in panel.app.url_map.iter_rules() if rule.endpoint in doors}
    paper = (PAPERS / "technical.md").read_text(encoding="utf-8")
    assert rules
    for rule in rules:
        assert f"`{rule}`" in paper
