"""Two people at two browsers overwrite nothing of each other unseen."""

import pytest

from authbridge.storage.models import Role
from tests.support.factories import make_organiser, make_school
from tests.support.panel.browser import Browser
from tests.support.panel.staffed_panel import StaffedPanel


@pytest.fixture(name="browsers")
def open_browsers(panel: StaffedPanel) -> tuple[Browser, Browser]:
    """Opens a clerk's and an admin's browser; there is a school."""
    make_school(panel.database)
    return panel.browser(Role.CLERK), panel.browser(Role.ADMIN)


def test_the_second_to_save_sees_what_the_first_has_changed(browsers: tuple[Browser, Browser]) -> None:
    """The second edit is not saved yet, not lost, and shown beside the value of the first."""
    clerk, admin = browsers
    mine, theirs = clerk.get("/schools/ohg/edit"), admin.get("/schools/ohg/edit")
    admin.send(theirs, place="Weinsberg", street="Am Tor 2")
    page = clerk.send(mine, place="Heilbronn", mailbox="info@ohg.example")
    assert page.status == 422
    assert (page.fields["place"], page.fields["mailbox"]) == ("Heilbronn", "info@ohg.example")
    assert "Weinsberg" in page.text
    assert "Am Tor 2" in page.text
    shown = clerk.get("/schools/ohg").text
    assert "Weinsberg" in shown
    assert "info@ohg.example" not in shown


def test_who_saves_again_decides(browsers: tuple[Browser, Browser]) -> None:
    """Saving again, after the warning, stores the second edit."""
    clerk, admin = browsers
    mine = clerk.get("/schools/ohg/edit")
    admin.send(admin.get("/schools/ohg/edit"), place="Weinsberg")
    page = clerk.send(clerk.send(mine, place="Heilbronn"))
    assert page.path == "/schools/ohg"
    assert "Heilbronn" in page.text


def test_a_third_change_meanwhile_is_noticed_again(browsers: tuple[Browser, Browser]) -> None:
    """Saving again does not overwrite a change that came after the warning."""
    clerk, admin = browsers
    mine = clerk.get("/schools/ohg/edit")
    admin.send(admin.get("/schools/ohg/edit"), place="Weinsberg")
    page = clerk.send(mine, place="Heilbronn")
    admin.send(admin.get("/schools/ohg/edit"), place="Lauffen")
    page = clerk.send(page)
    assert page.status == 422
    assert "Lauffen" in page.text


def test_who_types_the_same_is_not_bothered(browsers: tuple[Browser, Browser]) -> None:
    """Two people who type the same are not warned."""
    clerk, admin = browsers
    mine = clerk.get("/schools/ohg/edit")
    admin.send(admin.get("/schools/ohg/edit"), place="Heilbronn")
    assert clerk.send(mine, place="Heilbronn").path == "/schools/ohg"


@pytest.mark.parametrize("revision", ["", "x", "-1", "0", "999999999999999999999999"])
def test_a_forged_state_saves_nothing(
    panel: StaffedPanel, browsers: tuple[Browser, Browser], revision: str
) -> None:
    """An edit without a valid revision is treated as a late one."""
    page = browsers[0].send(browsers[0].get("/schools/ohg/edit"), place="Heilbronn", revision=revision)
    assert page.status == 422
    assert "Heilbronn" not in str(panel.rows()["schools"])


def test_two_who_suspend_are_both_told(panel: StaffedPanel, browsers: tuple[Browser, Browser]) -> None:
    """Two clicks make one suspension, and the second person gets a sentence."""
    clerk, admin = browsers
    name = make_organiser(panel.database).username
    path = f"/organisers/{name}"
    mine, theirs = clerk.get(path), admin.get(path)
    assert clerk.send(mine, f"{path}/suspend").flashes()[0].startswith(f"{name} is suspended")
    assert admin.send(theirs, f"{path}/suspend").flashes() == [f"{name} was suspended already."]
    assert len(panel.rows()["suspensions"]) == 1


def test_what_somebody_deleted_is_not_there_for_others(
    panel: StaffedPanel, browsers: tuple[Browser, Browser]
) -> None:
    """Each form about a deleted organiser answers 404."""
    clerk, admin = browsers
    name = make_organiser(panel.database).username
    path = f"/organisers/{name}"
    forms = {action: clerk.get(f"{path}/{action}") for action in ("reset", "validity", "delete")}
    detail = clerk.get(path)
    admin.send(admin.get(f"{path}/delete"), typed=name)
    assert {clerk.send(form).status for form in forms.values()} == {404}
    assert clerk.send(detail, f"{path}/suspend").status == 404
    assert panel.rows()["organisers"] == []


def test_both_work_in_their_own_sessions(browsers: tuple[Browser, Browser]) -> None:
    """Flashes of one person are not shown to the other."""
    clerk, admin = browsers
    page = clerk.get("/schools/ohg")
    clerk.send_raw(page, "/schools/ohg/suspend", follow=False)
    assert admin.get("/").flashes() != clerk.get("/").flashes()
