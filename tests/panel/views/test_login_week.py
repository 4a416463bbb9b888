"""What the clerk reads to a teacher on the telephone: why it does not work, and what helps."""

import re
from datetime import timedelta
from itertools import islice

import pytest

from authbridge.login.authenticate import LoginServices, authenticate
from authbridge.schools.commands import schools
from authbridge.storage.models import LoginAttempt, RejectedAttempts, Role
from tests.support.factories import (
    ACTOR,
    make_organiser,
    make_origin,
    make_school,
    make_services,
    parse_attempt,
)
from tests.support.panel.browser import Browser, Page
from tests.support.panel.staffed_panel import StaffedPanel
from tests.support.stories import wrong_passwords

SCHOOL, HOME = "203.0.113.9", "198.51.100.7"


class Telephone:
    """A teacher with a letter, and a clerk with a browser."""

    def __init__(self, panel: StaffedPanel) -> None:
        make_school(panel.database)
        with panel.database.write_session() as session:
            schools.change_school(
                session, "ohg", trusted_networks=["203.0.113.0/24"], actor=ACTOR, now=panel.clock()
            )
        self.panel = panel
        self.letter = make_organiser(panel.database)
        self.clerk: Browser = panel.browser(Role.CLERK)
        self._services: LoginServices = make_services(panel.database, clock=panel.clock)

    @property
    def path(self) -> str:
        """Returns the path of the organiser's page."""
        return f"/organisers/{self.letter.username}"

    @property
    def slip(self) -> str:
        """Returns the login name with its last letter mistyped."""
        name = self.letter.username
        return name[:-1] + ("v" if name[-1] != "v" else "w")

    def log_in(self, password: str | None = None, *, name: str | None = None, ip: str = SCHOOL) -> None:
        """Logs in through Prosody; the next minute begins."""
        password, name = password or self.letter.password, name or self.letter.username
        attempt = parse_attempt(name, password, ip, self.panel.clock())
        authenticate(attempt, make_origin(), self._services, within=10)
        self._services.rejections.write_down(self.panel.database)
        self.panel.clock.advance(minutes=1)

    def wait_for(self, **duration: float) -> None:
        """Lets time pass; the clerk signs in again."""
        self.panel.clock.advance(**duration)
        self.clerk = self.panel.browser(Role.CLERK)

    def why(self, browser: Browser | None = None) -> tuple[str, str]:
        """Returns the cause and the next action as they are read out, on one line each."""
        page = (browser or self.clerk).get(self.path)
        said, advice = (words(page, f".why .cause {each}") for each in (".said", ".said + p"))
        return said, advice


def words(page: Page, selector: str) -> str:
    """Returns the text of one element."""
    element = page.html.select_one(selector)
    assert element is not None, selector
    return " ".join(element.get_text(" ").split())


@pytest.fixture(name="telephone")
def make_telephone(panel: StaffedPanel) -> Telephone:
    """Lets a teacher with a letter call."""
    return Telephone(panel)


def test_a_mistyped_password_is_told_and_leads_to_a_new_one(telephone: Telephone) -> None:
    """When, how often, from where; that nothing is suspended; and the way to a new password."""
    for number in range(3):
        telephone.log_in(f"wrong-{number}")
    said, advice = telephone.why()
    assert said == (
        "Today from 08:55 to 08:57: 3 wrong passwords from the school's own network. Nothing is suspended."
    )
    assert "issue a new one" in advice
    page = telephone.clerk.get(telephone.path)
    assert page.html.select_one(f'.next a[href="{telephone.path}/reset"]')


def test_a_mistyped_name_is_told(telephone: Telephone) -> None:
    """The name that was typed and the right one stand beside each other."""
    telephone.log_in(name=telephone.slip)
    said, advice = telephone.why()
    assert said.startswith("Today at 08:55 somebody typed the login name")
    assert telephone.slip in said
    assert telephone.letter.username in advice


def test_a_wait_is_told_and_can_be_lifted(telephone: Telephone) -> None:
    """One button lifts it; then the page says to try again."""
    for password in islice(wrong_passwords(telephone.letter.username), 5):
        telephone.log_in(password, ip=HOME)
    telephone.panel.clock.advance(seconds=-50)
    said, _advice = telephone.why()
    assert re.search(
        r"5 wrong passwords from another network\. Therefore there is a wait until 0\d:\d\d", said
    )
    page = telephone.clerk.get(telephone.path)
    page = telephone.clerk.send(page, "/lockouts/clear")
    assert (page.path, page.flashes()) == (telephone.path, ["The wait is over."])
    assert telephone.why()[0].endswith("since then nobody has tried to log in.")


def test_a_suspension_is_told_and_can_be_lifted(telephone: Telephone) -> None:
    """With its moment, and that the password was right."""
    telephone.clerk.press(telephone.path, f"{telephone.path}/suspend")
    telephone.log_in()
    said, _advice = telephone.why()
    assert said == (
        "This access has been suspended since 20 Nov 2026, 08:55. The password was right (today at 08:55)."
    )
    page = telephone.clerk.get(telephone.path)
    assert page.html.select_one(f'.next form[action="{telephone.path}/reinstate"]')


def test_after_a_success_nothing_is_wrong(telephone: Telephone) -> None:
    """Wrong passwords before it are in the picture, not in the sentence."""
    telephone.log_in("wrong")
    telephone.log_in()
    assert telephone.why() == ("It works: the last login got in (today at 08:56).", "There is nothing to do.")


def test_the_picture_has_a_mark_a_login_and_the_table_the_same(telephone: Telephone) -> None:
    """Two in, one refused, on the right days; what is counted is a number."""
    telephone.log_in()
    telephone.wait_for(days=1)
    telephone.log_in()
    telephone.log_in("wrong")
    for _ in range(8):
        telephone.log_in("wrong")
    page = telephone.clerk.get(telephone.path)
    days = page.html.select(".week li")
    marks = [[mark["class"] for mark in day.select(".mark, .more")] for day in days]
    assert [len(each) for each in marks] == [0, 0, 0, 0, 0, 1, 5]
    assert marks[5] == [["mark", "in"]]
    assert marks[6] == [["mark", "in"], *[["mark", "refused"]] * 3, ["more", "refused"]]
    assert [each.get_text() for each in days[6].select(".more")] == ["+6"]
    rows = [" ".join(row.get_text(" ").split()) for row in page.html.select(".why tbody tr")]
    assert rows == [
        "Today from 08:57 to 09:05 wrong password 9 from the school's own network",
        "Today at 08:56 got in 1 from the school's own network",
        "Yesterday at 08:55 got in 1 from the school's own network",
    ]


def test_a_suspension_is_a_bar_behind_the_logins(telephone: Telephone) -> None:
    """Also that of the whole school; in the table it is a row."""
    telephone.clerk.press("/schools/ohg", "/schools/ohg/suspend")
    telephone.wait_for(days=2)
    page = telephone.clerk.get(telephone.path)
    bars = [len(day.select(".closed")) for day in page.html.select(".week li")]
    assert bars == [0, 0, 0, 0, 1, 1, 1]
    assert "Since 20 Nov 2026, 08:55" in words(page, ".why tbody")


def test_the_page_has_no_address_and_no_browser(telephone: Telephone) -> None:
    """Those stand in the journal only, where each look is noted."""
    telephone.log_in("wrong", ip=HOME)
    assert HOME not in telephone.clerk.get(telephone.path).response.get_data(as_text=True)


def test_an_auditor_reads_the_same_without_buttons(telephone: Telephone) -> None:
    """The cause is theirs to know, the action is not theirs."""
    telephone.log_in("wrong")
    auditor = telephone.panel.browser(Role.AUDITOR)
    assert telephone.why(auditor) == telephone.why()
    assert not auditor.get(telephone.path).html.select(".next")


def test_day_eight_is_on_no_page_though_it_is_still_stored(telephone: Telephone) -> None:
    """Neither on the organiser's page, nor in the search, the journal or the audit, whoever looks."""
    telephone.log_in("wrong", ip=HOME)
    telephone.log_in("wrong", ip=HOME)
    telephone.log_in(name=telephone.slip, ip=HOME)
    telephone.panel.clock.advance(days=7)
    assert telephone.panel.rows()[LoginAttempt.__tablename__]
    assert telephone.panel.rows()[RejectedAttempts.__tablename__]
    old_day = (telephone.panel.clock() - timedelta(days=7)).date().isoformat()
    for role in Role:
        browser = telephone.panel.browser(role)
        said, _advice = telephone.why(browser)
        assert (
            said == "Within the last 7 days nobody has tried to log in with this name. Nothing is suspended."
        )
        paths = [telephone.path, f"/search?q={telephone.slip}"]
        if role is not Role.CLERK:
            paths += ["/journal", f"/journal?day={old_day}", f"/journal?q={telephone.letter.username}"]
            paths += ["/journal?unknown=yes", "/journal?outcome=wrong-password"]
            assert HOME not in browser.get("/audit").text
        for path in paths:
            page = browser.get(path)
            assert HOME not in page.text, path
            assert "wrong password" not in " ".join(
                each.get_text(" ") for each in page.html.select("tbody, .notice")
            ), path
            assert "it was tried" not in page.text, path


def test_the_search_says_when_a_mistyped_name_was_tried(telephone: Telephone) -> None:
    """Only of a name near an existing one, with the way to that; of any other text it says nothing."""
    telephone.log_in(name=telephone.slip)
    telephone.log_in(name="tulpe-regen")
    page = telephone.clerk.get(f"/search?q={telephone.slip}")
    assert "within the last 7 days it was tried, last today at 08:55." in page.text
    assert page.html.select_one(f'.notice a[href="{telephone.path}"]')
    assert "it was tried" not in telephone.clerk.get("/search?q=tulpe-regen").text
    assert "it was tried" not in telephone.clerk.get(f"/search?q={telephone.letter.username}").text
