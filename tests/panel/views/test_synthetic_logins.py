"""The overview says whether a login through the meeting server works, as tried a moment ago."""

from datetime import timedelta

import pytest

from authbridge.storage.models import Role
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from tests.support.factories import make_school
from tests.support.panel.staffed_panel import StaffedPanel
from tests.support.synthetic_logins import add_synthetic_logins

WELL, AWAY, OPEN = SyntheticOutcome.GRANTED, SyntheticOutcome.UNREACHABLE, SyntheticOutcome.WRONG_GRANTED


def told(panel: StaffedPanel, *, role: Role = Role.CLERK) -> tuple[list[str], str]:
    """What is not in order about synthetic logins, each with its state, and the words for what is."""
    html = panel.browser(role).get("/overview/health").html
    troubles = [
        f"{' '.join(each['class'])}: {' '.join(each.get_text(' ').split())}"
        for each in html.select(".health li")
    ]
    well = " ".join(each.get_text(" ") for each in html.select(".all-well, .live > .quiet"))
    return [each for each in troubles if "Synthetic" in each], " ".join(well.split())


def test_a_login_that_succeeded_is_told_with_its_time(panel: StaffedPanel) -> None:
    """Not only where something is wrong: it is the proof that logins work."""
    add_synthetic_logins(panel.database, AWAY, AWAY, WELL, last_at=panel.clock())

    troubles, well = told(panel)

    assert troubles == []
    assert "Synthetic login" in well
    assert "A synthetic login succeeded last on " in well


@pytest.mark.parametrize(
    ("outcomes", "state", "words"),
    [
        ([WELL, AWAY], "warn", "once so far: The meeting server cannot be reached."),
        ([WELL, AWAY, AWAY], "bad", "The meeting server cannot be reached. Please call the technician."),
        ([WELL, OPEN], "bad", "anybody may be able to open meetings. Please call the technician."),
    ],
)
def test_a_login_that_fails_is_told_with_its_beginning(
    panel: StaffedPanel, outcomes: list[SyntheticOutcome], state: str, words: str
) -> None:
    """Since the first one after the last success; a door that stands open is bad at once."""
    add_synthetic_logins(panel.database, *outcomes, last_at=panel.clock())

    ((trouble,), well) = told(panel)

    assert trouble.startswith(f"{state}: Synthetic login")
    assert words in trouble
    assert "Synthetic login" not in well


def test_a_timer_that_stands_still_is_no_success(panel: StaffedPanel) -> None:
    """Fifteen minutes after the last login nobody knows any more."""
    add_synthetic_logins(panel.database, WELL, last_at=panel.clock() - timedelta(minutes=16))

    ((trouble,), _well) = told(panel)

    assert trouble.startswith("warn: ")
    assert "whether logins work is not known" in trouble


def test_each_of_several_machines_is_named(panel: StaffedPanel) -> None:
    """One that fails is not hidden by one that does not."""
    make_school(panel.database)
    add_synthetic_logins(panel.database, AWAY, AWAY, machine="meet-1", last_at=panel.clock())
    add_synthetic_logins(panel.database, WELL, machine="meet-2", last_at=panel.clock())

    ((trouble,), well) = told(panel)

    assert "Synthetic login of meet-1" in trouble
    assert "Synthetic login of meet-2" in well


def test_where_none_is_tried_nothing_is_claimed(panel: StaffedPanel) -> None:
    """A machine without the setting."""
    troubles, well = told(panel)

    assert troubles == []
    assert "Synthetic" not in well
