"""What holds for every page in every state, in both languages."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.panel.browsing import Page
from tests.panel.conftest import Furnishing, found
from tests.panel.walk import every_page

WELL_FORMED_ID = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Walk:
    """All pages, in one language."""

    app: Flask
    language: str
    pages: list[Page]


@pytest.fixture(name="walk", scope="module", params=["de", "en"])
def open_pages(
    request: pytest.FixtureRequest, furnishing: Furnishing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk]:
    """Opened once, for it takes long."""
    with found(tmp_path_factory.mktemp("walk"), furnishing) as founder:
        office = founder.open()
        pages = list(every_page(office, **{"Accept-Language": request.param}))
        yield Walk(office.app, request.param, pages)


def faults_of(walk: Walk, rule: Callable[[Page], object]) -> list[str]:
    """The pages that break the rule, and how."""
    return [f"{page.status} {page.path}: {found}" for page in walk.pages if (found := rule(page))]


def test_the_walk_sees_every_kind_of_page(walk: Walk) -> None:
    """Else the rules below would hold for nothing."""
    assert {200, 400, 403, 404, 405, 410, 413, 422} <= {page.status for page in walk.pages}
    assert not [page.path for page in walk.pages if page.status >= 500]


def test_nothing_is_loaded_from_elsewhere(walk: Walk) -> None:
    """Every address on a page is a path of the panel, or a mail address of a school."""

    def foreign(page: Page) -> list[str]:
        ours = re.compile(r"/(?!/)|#|mailto:")
        return [link for link in page.links() if not ours.match(link)]

    assert not faults_of(walk, foreign)


def test_nothing_is_inline(walk: Walk) -> None:
    """No style, script or handler in a page: the policy for its content would stop them."""

    def inline(page: Page) -> list[str]:
        found = page.html.select("style, script:not([src]), [style], base, iframe, object, embed")
        handlers = [
            name for tag in page.html.find_all() for name in tag.attrs if name.lower().startswith("on")
        ]
        return [*map(str, found), *handlers]

    assert not faults_of(walk, inline)


def test_each_page_says_its_language(walk: Walk) -> None:
    """``lang`` is what the browser prefers."""

    def said(page: Page) -> str:
        html = page.html.find("html")
        said = "" if html is None else str(html.get("lang"))
        return "" if said == walk.language else f"says {said}"

    assert not faults_of(walk, said)


def test_each_page_has_a_heading_and_a_title(walk: Walk) -> None:
    """One heading of the first order; the title names the page, and says first if there are faults."""

    def missing(page: Page) -> str:
        headings, title = page.html.find_all("h1"), page.html.find("title")
        if len(headings) != 1 or title is None or not title.get_text().partition("–")[0].strip():
            return f"{headings} {title}"
        is_marked = title.get_text().strip().startswith(("Error:", "Fehler:"))
        return "" if is_marked == bool(page.html.select(".summary")) else str(title)

    assert not faults_of(walk, missing)


def test_labels_hints_and_faults_find_their_fields(walk: Walk) -> None:
    """Each id is there once, and whatever refers to one finds it."""

    def lost(page: Page) -> list[str]:
        ids = [str(tag["id"]) for tag in page.html.find_all(id=True)]
        wrong = [each for each in ids if ids.count(each) > 1 or not WELL_FORMED_ID.fullmatch(each)]
        for name in ("aria-describedby", "aria-labelledby", "for"):
            for tag in page.html.select(f"[{name}]"):
                wrong += [f"{name} {each}" for each in str(tag[name]).split() if each not in ids]
        return wrong + [link for link in page.links() if link.startswith("#") and link[1:] not in ids]

    assert not faults_of(walk, lost)


def test_each_field_has_a_label(walk: Walk) -> None:
    """Nobody has to guess what belongs where."""

    def unlabelled(page: Page) -> list[str]:
        labelled = {str(label.get("for")) for label in page.html.find_all("label")}
        fields = page.html.select("input:not([type=hidden]):not([hidden]), select, textarea")
        return [str(field) for field in fields if str(field.get("id")) not in labelled]

    assert not faults_of(walk, unlabelled)


def test_whatever_leads_back_leads_to_a_page(walk: Walk) -> None:
    """Buttons and the switch of languages come back to an address that can be opened."""
    places = walk.app.url_map.bind("127.0.0.1")

    def dead_ends(page: Page) -> list[str]:
        fields = page.html.select('input[name="back"], input[name="next"]')
        links = [str(link["href"]) for link in page.html.select('[href^="/"]')]
        wanted = {*(str(field["value"]) for field in fields), *links} - (
            {page.path} if page.status in {404, 405} else set()
        )
        return [path for path in wanted if not opens(path)]

    def opens(path: str) -> bool:
        try:
            places.match(path.partition("?")[0], method="GET")
        except HTTPException:
            return False
        return True

    assert not faults_of(walk, dead_ends)


def test_each_form_that_changes_something_has_its_token(walk: Walk) -> None:
    """And is sent to a view of the panel."""

    def unguarded(page: Page) -> list[str]:
        forms = page.html.find_all("form", method="post")
        return [str(form) for form in forms if not form.select('input[name="csrf_token"][value]')]

    assert not faults_of(walk, unguarded)


def test_no_field_for_a_password_is_filled_in(walk: Walk) -> None:
    """Whatever was typed."""

    def kept(page: Page) -> list[str]:
        return [str(field) for field in page.html.select('input[type="password"]') if field.get("value")]

    assert not faults_of(walk, kept)
