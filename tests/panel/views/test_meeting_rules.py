"""The rules of the meetings: what staff say on the telephone, and how often each rule stepped in."""

from datetime import timedelta

import pytest

from authbridge.jitsi.meeting_rules import SENTENCES
from authbridge.storage.models import MeetingRule, Role, RuleCount
from tests.support.factories import TODAY
from tests.support.panel.browser import Page
from tests.support.panel.staffed_panel import StaffedPanel


def count(panel: StaffedPanel, rule: MeetingRule, times: dict[int, int]) -> None:
    """Writes how often the rule stepped in, by the number of days ago."""
    with panel.database.write_session() as session:
        session.add_all(
            RuleCount(day=TODAY - timedelta(days=ago), rule=rule, times=each) for ago, each in times.items()
        )


def numbers(page: Page, rule: MeetingRule) -> list[str]:
    """Returns the numbers on the card of a rule: today, in a week, in a month."""
    return [each.get_text() for each in page.html.select(f'[aria-labelledby="{rule}-title"] .times dd')]


@pytest.mark.parametrize("role", list(Role))
def test_everybody_reads_what_people_on_the_telephone_see(panel: StaffedPanel, role: Role) -> None:
    """All sentences of the server, in both languages, whatever the reader's own is."""
    page = panel.browser(role).get("/meeting-rules")

    quoted = [
        [(line["lang"], line.get_text()) for line in quote.find_all("p")]
        for quote in page.html.select("blockquote")
    ]
    assert len(page.html.select(".rule")) == len(MeetingRule)
    assert sorted(quoted) == sorted(
        [("de", sentence.german), ("en", sentence.english)] for sentence in SENTENCES.values()
    )


def test_the_numbers_are_of_today_a_week_and_a_month(panel: StaffedPanel) -> None:
    """The present day is one of them; the day before them is not."""
    count(panel, MeetingRule.NAMES, {0: 1, 6: 20, 7: 300, 29: 4000, 30: 50_000})
    count(panel, MeetingRule.ENDING, {13: 7, 14: 5})

    page = panel.browser(Role.CLERK).get("/meeting-rules")

    assert numbers(page, MeetingRule.NAMES) == ["1", "21", "4,321"]
    assert numbers(page, MeetingRule.ENDING) == ["0", "0", "12"]
    for unseen in page.html.select("td .unseen"):
        unseen.extract()
    table = [
        [cell.get_text(strip=True) for cell in row.find_all(["th", "td"])]
        for row in page.html.select("tbody tr")
    ]
    assert len(table) == 14
    assert (table[0], table[-1]) == (
        ["Fri 20 Nov", "1", "–", "–", "–", "–", "–"],
        ["Sat 7 Nov", "–", "–", "–", "7", "–", "–"],
    )


def test_rules_that_nobody_has_set_up_are_said_to_be_so(panel: StaffedPanel) -> None:
    """Rather than shown as rules that never step in."""
    page = panel.browser(Role.CLERK).get("/meeting-rules")

    assert "Perhaps the rules are not set up" in page.text
    assert not page.html.select(".times, table")
