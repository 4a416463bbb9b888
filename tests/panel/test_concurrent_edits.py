"""Two people at two browsers overwrite nothing of each other unseen."""

import pytest

from authbridge.storage.models import Role
from tests.factories import make_organiser, make_school
from tests.panel.browsing import Browser
from tests.panel.conftest import Office


@pytest.fixture(name="browsers")
def open_browsers(office: Office) -> tuple[Browser, Browser]:
    """A clerk's and an admin's, and a school."""
    make_school(office.database)
    return office.browser(Role.CLERK), office.browser(Role.ADMIN)


def test_the_second_to_save_sees_what_the_first_has_changed(browsers: tuple[Browser, Browser]) -> None:
    """Nothing of hers is saved yet, nothing of it is lost, and the others' value stands beside it."""
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
    """Having seen it, hers count."""
    clerk, admin = browsers
    mine = clerk.get("/schools/ohg/edit")
    admin.send(admin.get("/schools/ohg/edit"), place="Weinsberg")
    page = clerk.send(clerk.send(mine, place="Heilbronn"))
    assert page.path == "/schools/ohg"
    assert "Heilbronn" in page.text


def test_a_third_change_meanwhile_is_noticed_again(browsers: tuple[Browser, Browser]) -> None:
    """Saving again holds for what was seen, not for what came later."""
    clerk, admin = browsers
    mine = clerk.get("/schools/ohg/edit")
    admin.send(admin.get("/schools/ohg/edit"), place="Weinsberg")
    page = clerk.send(mine, place="Heilbronn")
    admin.send(admin.get("/schools/ohg/edit"), place="Lauffen")
    page = clerk.send(page)
    assert page.status == 422
    assert "Lauffen" in page.text


def test_who_types_the_same_is_not_bothered(browsers: tuple[Browser, Browser]) -> None:
    """The second click of a double click, or two who were told the same."""
    clerk, admin = browsers
    mine = clerk.get("/schools/ohg/edit")
    admin.send(admin.get("/schools/ohg/edit"), place="Heilbronn")
    assert clerk.send(mine, place="Heilbronn").path == "/schools/ohg"


@pytest.mark.parametrize("revision", ["", "x", "-1", "0", "999999999999999999999999"])
def test_a_forged_state_saves_nothing(
    office: Office, browsers: tuple[Browser, Browser], revision: str
) -> None:
    """Whoever leaves out which state it was about is treated as late."""
    page = browsers[0].send(browsers[0].get("/schools/ohg/edit"), place="Heilbronn", revision=revision)
    assert page.status == 422
    assert "Heilbronn" not in str(office.rows()["schools"])


def test_two_who_suspend_are_both_told(office: Office, browsers: tuple[Browser, Browser]) -> None:
    """One suspension; the second hears that it was so already."""
    clerk, admin = browsers
    name = make_organiser(office.database).username
    path = f"/organisers/{name}"
    mine, theirs = clerk.get(path), admin.get(path)
    assert clerk.send(mine, f"{path}/suspend").notices()[0].startswith(f"{name} is suspended")
    assert admin.send(theirs, f"{path}/suspend").notices() == [f"{name} was suspended already."]
    assert len(office.rows()["suspensions"]) == 1


def test_what_somebody_deleted_is_not_there_for_others(
    office: Office, browsers: tuple[Browser, Browser]
) -> None:
    """Each form about it says so on a page."""
    clerk, admin = browsers
    name = make_organiser(office.database).username
    path = f"/organisers/{name}"
    forms = {deed: clerk.get(f"{path}/{deed}") for deed in ("reset", "validity", "delete")}
    detail = clerk.get(path)
    admin.send(admin.get(f"{path}/delete"), typed=name)
    assert {clerk.send(form).status for form in forms.values()} == {404}
    assert clerk.send(detail, f"{path}/suspend").status == 404
    assert office.rows()["organisers"] == []


def test_both_work_in_their_own_sessions(browsers: tuple[Browser, Browser]) -> None:
    """Notices of one are not shown to the other."""
    clerk, admin = browsers
    page = clerk.get("/schools/ohg")
    clerk.send_raw(page, "/schools/ohg/suspend", follow=False)
    assert admin.get("/").notices() != clerk.get("/").notices()
