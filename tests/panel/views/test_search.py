"""One field finds schools and organisers; lists are filtered and paged."""

from urllib.parse import quote

import pytest

from authbridge.login.typed_passwords import StoredPassword
from authbridge.schools.commands import schools
from authbridge.schools.commands.imports import ImportedCredential, import_organisers
from authbridge.schools.listings import PAGE_SIZE
from authbridge.schools.search import MOST_FOUND
from authbridge.storage.models import Organiser, PrintJob, Role
from tests.support.factories import ACTOR, make_organiser, make_school
from tests.support.fakes import MORNING
from tests.support.panel.browser import Browser, Page
from tests.support.panel.sample_data import NO_HASH
from tests.support.panel.staffed_panel import StaffedPanel


@pytest.fixture(name="browser")
def open_browser(panel: StaffedPanel) -> Browser:
    """Opens an auditor's browser: reading is enough."""
    return panel.browser(Role.AUDITOR)


def make_many(panel: StaffedPanel, count: int) -> None:
    """Adds ``count`` organisers of one school."""
    make_school(panel.database)
    with panel.database.write_session() as session:
        stored = StoredPassword(NO_HASH, generated=True)
        session.add_all(
            Organiser(
                username=f"ohg-{number:04d}",
                school_id=1,
                password_hash=stored.hash,
                password_generated=True,
                created_at=MORNING,
            )
            for number in range(count)
        )


def listed_names(page: Page, kind: str) -> list[str]:
    """Returns the names that a page lists."""
    return [
        link.rpartition("/")[2]
        for link in page.links()
        if link.startswith(f"/{kind}/") and link.count("/") == 2
    ]


def search(browser: Browser, text: str) -> Page:
    """Searches for the text as typed."""
    return browser.get(f"/search?q={quote(text)}")


def test_three_letters_find_schools_and_organisers(panel: StaffedPanel, browser: Browser) -> None:
    """Three letters of code, name, place or login name find it, whatever their case."""
    make_school(panel.database)
    name = make_organiser(panel.database).username
    for text in ("ohg", "OTTO", "hahn-gym", name, name[-3:], f"  {name.upper()} "):
        page = search(browser, text)
        assert listed_names(page, "schools") or listed_names(page, "organisers"), text
    assert name in listed_names(search(browser, name[:-1]), "organisers")


def test_fewer_letters_find_nothing_and_say_so(panel: StaffedPanel, browser: Browser) -> None:
    """Fewer than three letters are refused with a sentence."""
    make_school(panel.database)
    for text in ("", " ", "oh", " oh ", "%%", "__"):
        page = search(browser, text)
        assert not listed_names(page, "schools"), text
        assert ("Please type at least three characters" in page.text) == bool(text.strip()), text


def test_signs_stand_for_themselves(panel: StaffedPanel, browser: Browser) -> None:
    """Wildcards of the database find only themselves; quotation marks alone find nothing."""
    make_school(panel.database)
    make_organiser(panel.database)
    signs = ("%%%", "___", "ohg%", "o_g", "oh_-", "\\\\\\", "[a-z]", "oh;g")
    for text in signs:
        for path in ("/search", "/schools", "/organisers"):
            page = browser.get(f"{path}?q={quote(text)}")
            assert not listed_names(page, "organisers") + listed_names(page, "schools"), (path, text)
    for text in ("'''", '"""', "---", "„“”"):
        assert not listed_names(search(browser, text), "schools"), text
    make_school(panel.database, "lmg", f"Schule {' '.join(signs)}")
    assert [listed_names(search(browser, text), "schools") for text in signs] == [["lmg"]] * len(signs)


def test_letters_of_every_sort_are_found(panel: StaffedPanel, browser: Browser) -> None:
    """Letters with accents are found in either Unicode form."""
    make_school(panel.database, "abc", "Käthe-Müller-Schule Große Straße d’Arc d'Arc العربية")
    for text in ("müller", "MÜLLER", "mu\u0308ller", "straße", "STRASSE", "d'Arc", "العربية"):
        assert listed_names(search(browser, text), "schools") == ["abc"], text


def test_odd_text_is_no_error(browser: Browser) -> None:
    """Odd text finds nothing, and is shown as text."""
    for text in ("\0\0\0", "a\0b", "\ud7ff" * 3, "x" * 5000, "<script>alert(1)</script>", "\u202eabc"):
        page = search(browser, text)
        assert page.status == 200
        assert not page.html.select("main script")


def test_what_is_shown_of_too_many_is_said(panel: StaffedPanel, browser: Browser) -> None:
    """Of too many results, the first twenty are shown, and that there are more."""
    make_many(panel, MOST_FOUND + 1)
    page = search(browser, "ohg-0")
    assert len(set(listed_names(page, "organisers"))) == MOST_FOUND
    assert "There are more" in page.text


def test_lists_are_paged(panel: StaffedPanel, browser: Browser) -> None:
    """Each organiser is on one page of the list; the filter is kept from page to page."""
    make_many(panel, 2 * PAGE_SIZE + 1)
    seen: list[str] = []
    path = "/organisers?q=ohg-&state=active"
    while path:
        page = browser.get(path)
        seen += [name for name in listed_names(page, "organisers") if name.startswith("ohg")]
        more = page.html.select_one('a[rel="next"]')
        path = "" if more is None else str(more["href"])
    assert seen == [f"ohg-{number:04d}" for number in range(2 * PAGE_SIZE + 1)]


def test_pages_that_do_not_exist_lead_to_one_that_does(panel: StaffedPanel, browser: Browser) -> None:
    """A page number beyond the end shows the last page."""
    make_many(panel, PAGE_SIZE + 1)
    for number in ("0", "-1", "99", "x", "1e9", "9" * 30, ""):
        page = browser.get(f"/organisers?page={number}")
        assert page.status == 200
        assert listed_names(page, "organisers"), number
    for path in ("/schools", "/schools/ohg"):
        assert browser.get(f"{path}?page=99").status == 200


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("active", {"ohg-a"}),
        ("suspended", {"ohg-s", "lmg-s"}),
        ("school-suspended", {"lmg-a"}),
        ("expired", {"ohg-e"}),
        ("", {"ohg-a", "ohg-s", "ohg-e", "lmg-s", "lmg-a"}),
        ("nonsense", {"ohg-a", "ohg-s", "ohg-e", "lmg-s", "lmg-a"}),
    ],
)
def test_organisers_are_filtered_by_state(panel: StaffedPanel, state: str, expected: set[str]) -> None:
    """The filter goes by the state that the list shows."""
    for code in ("ohg", "lmg"):
        make_school(panel.database, code, code)
    stored = StoredPassword(NO_HASH, generated=True)
    with panel.database.write_session() as session:
        credentials = [
            ImportedCredential(1, name.partition("-")[0], name, stored)  # type: ignore[arg-type]
            for name in ("ohg-a", "ohg-s", "ohg-e", "lmg-s", "lmg-a")
        ]
        import_organisers(session, credentials, actor=ACTOR, now=MORNING)
    clerk = panel.browser(Role.CLERK)
    for name in ("ohg-s", "lmg-s"):
        clerk.press(f"/organisers/{name}", f"/organisers/{name}/suspend")
    clerk.press("/schools/lmg", "/schools/lmg/suspend")
    clerk.send(clerk.get("/organisers/ohg-e/validity"), valid_until="2026-11-19")
    page = clerk.get(f"/organisers?state={state}")
    assert set(listed_names(page, "organisers")) == expected


@pytest.fixture(name="otto")
def make_otto(panel: StaffedPanel) -> str:
    """Makes a school with an address beside another one; returns the login name of its organiser."""
    make_school(panel.database, "gs", "Gröner-Straße-Schule")
    make_school(panel.database)
    with panel.database.write_session() as session:
        address = {"street": "Am Bach 1", "place": "74072 Heilbronn", "mailbox": "info@ohg.example"}
        schools.change_school(session, "ohg", **address, actor=ACTOR, now=MORNING)  # type: ignore[arg-type]
    return make_organiser(panel.database).username


@pytest.mark.parametrize(
    "typed",
    [
        "Otto Hahn",
        "otto  hahn",
        "Hahn Otto",
        "OttoHahn",
        "Otto‑Hahn",
        "Otto – Hahn",
        "Otto-Hahn Gymn.",
        "„Otto-Hahn“",
        "Otto-Hahn Heilbronn",
        "Heilbronn, Otto",
        "74072 Otto",
        "Am Bach",
        "info@ohg.example",
        "Otto-Hahn-Gym\u00adna",
    ],
)
def test_a_school_is_found_as_it_is_heard(browser: Browser, otto: str, typed: str) -> None:
    """Blanks, dashes, word order, quotation marks, town and street: one school is found."""
    assert otto
    assert set(listed_names(search(browser, typed), "schools")) == {"ohg"}


@pytest.mark.parametrize(
    "typed", ["Gröner", "Groener", "Groner", "GRÖNERSTRASSE", "groener strasse", "Gröner Str."]
)
def test_an_umlaut_is_found_as_it_is_typed(browser: Browser, otto: str, typed: str) -> None:
    """As one letter, as two, without its dots; ß as ss."""
    assert otto
    assert set(listed_names(search(browser, typed), "schools")) == {"gs"}


def test_dots_that_were_typed_are_meant(browser: Browser, otto: str) -> None:
    """A typed umlaut does not find the letter without it."""
    assert otto
    assert listed_names(search(browser, "Höhn"), "schools") == []
    assert listed_names(search(browser, "Ötto"), "schools") == []


@pytest.mark.parametrize("change", ["{}", "{}@meet.test", "{}@MEET.TEST", " {} ", "„{}“", "{} ."])
def test_a_login_name_opens_its_organiser(browser: Browser, otto: str, change: str) -> None:
    """However the name was copied or typed, with our domain behind it or without its hyphen."""
    page = search(browser, change.format(otto))
    assert page.path == f"/organisers/{otto}"
    for between in ("", " ", "–", " - "):
        assert search(browser, otto.replace("-", between)).path == page.path, between


@pytest.mark.parametrize("typed", ["gs", "GS", "„gs“", "Gröner-Straße-Schule", "groener strasse schule"])
def test_a_code_or_a_whole_name_opens_its_school(browser: Browser, otto: str, typed: str) -> None:
    """A code of two letters is enough."""
    assert otto
    assert search(browser, typed).path == "/schools/gs"


def test_a_part_opens_nothing(browser: Browser, otto: str) -> None:
    """One hit that was not named exactly is listed; the other domain is not ours."""
    for typed in ("Otto-Hahn", otto[:-1], otto[-4:], f"{otto}@elsewhere.example"):
        assert search(browser, typed).path.startswith("/search"), typed


def test_two_of_the_same_name_open_nothing(panel: StaffedPanel, browser: Browser) -> None:
    """Both are listed."""
    make_school(panel.database, "ga", "Goetheschule")
    make_school(panel.database, "gb", "Goetheschule")
    page = search(browser, "Goetheschule")
    assert set(listed_names(page, "schools")) == {"ga", "gb"}


def test_a_letter_of_a_school_is_found_with_its_name(browser: Browser, otto: str) -> None:
    """Words of the school and of the login name go together, in the list of organisers too."""
    for path in ("/search", "/organisers"):
        page = browser.get(f"{path}?q={quote(f'Hahn {otto[-4:]}')}")
        assert otto in listed_names(page, "organisers"), path
        assert otto not in listed_names(browser.get(f"{path}?q={quote(f'Gröner {otto[-4:]}')}"), "organisers")


def test_a_print_job_is_found_by_its_number(panel: StaffedPanel, browser: Browser, otto: str) -> None:
    """With or without its hyphen, in small letters too: its page is opened."""
    with panel.database.write_session() as session:
        session.add(PrintJob(id="D7K-42P", school_id=1, at=MORNING, actor=ACTOR, letters=3))
    assert otto
    for typed in ("D7K-42P", "d7k42p", "D7K 42P", "D7K–42P"):
        assert search(browser, typed).path == "/print-jobs/D7K-42P", typed
    assert "Nothing was found" in search(browser, "D7K-42C").text


def test_the_field_has_the_focus(browser: Browser) -> None:
    """Overview and search begin with typing; on other pages nothing takes the focus."""
    for path, expected in (("/search?q=x", "page-search"), ("/schools", None), ("/organisers", None)):
        focused = browser.get(path).html.select("[autofocus]")
        assert [each["id"] for each in focused] == [expected] * len(focused)
        assert bool(focused) == (expected is not None)
