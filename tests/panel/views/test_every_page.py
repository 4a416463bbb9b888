"""Every page in every state, in both languages, keeps these rules."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.support.panel.browser import Page
from tests.support.panel.page_crawl import every_page
from tests.support.panel.staffed_panel import StaffedTemplate, panel_factory_in

WELL_FORMED_ID = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class PageCrawl:
    """Holds all pages, in one language."""

    app: Flask
    language: str
    pages: list[Page]


@pytest.fixture(name="crawl", scope="module", params=["de", pytest.param("en", marks=pytest.mark.soak)])
def open_pages(
    request: pytest.FixtureRequest,
    staffed_template: StaffedTemplate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PageCrawl]:
    """Opens all pages, once for all rules, for it takes long."""
    with panel_factory_in(tmp_path_factory.mktemp("crawl"), staffed_template) as panel_factory:
        panel = panel_factory.open()
        pages = list(every_page(panel, **{"Accept-Language": request.param}))
        yield PageCrawl(panel.app, request.param, pages)


def violations_of(crawl: PageCrawl, rule: Callable[[Page], object]) -> list[str]:
    """Returns the pages that break the rule, and how."""
    return [f"{page.status} {page.path}: {found}" for page in crawl.pages if (found := rule(page))]


def test_the_crawl_sees_every_kind_of_page(crawl: PageCrawl) -> None:
    """The crawl has pages of every status, else the rules would prove nothing."""
    assert {200, 400, 403, 404, 405, 410, 413, 422} <= {page.status for page in crawl.pages}
    assert not [page.path for page in crawl.pages if page.status >= 500]


def test_nothing_is_loaded_from_elsewhere(crawl: PageCrawl) -> None:
    """Every address on a page is a path of the panel, or a mail address of a school."""

    def foreign(page: Page) -> list[str]:
        ours = re.compile(r"/(?!/)|#|mailto:")
        return [link for link in page.links() if not ours.match(link)]

    assert not violations_of(crawl, foreign)


def test_nothing_is_inline(crawl: PageCrawl) -> None:
    """No style, script or handler in a page: the policy for its content would stop them."""

    def inline(page: Page) -> list[str]:
        found = page.html.select("style, script:not([src]), [style], base, iframe, object, embed")
        handlers = [
            name for tag in page.html.find_all() for name in tag.attrs if name.lower().startswith("on")
        ]
        return [*map(str, found), *handlers]

    assert not violations_of(crawl, inline)


def test_the_focus_has_one_place_at_the_start(crawl: PageCrawl) -> None:
    """A notice or the errors where there are any, else a field; HTML allows one."""

    def places(page: Page) -> list[str]:
        found = [str(tag.get("class") or tag.get("name")) for tag in page.html.select("[autofocus]")]
        return found if len(found) > 1 else []

    assert not violations_of(crawl, places)


def test_each_page_says_its_language(crawl: PageCrawl) -> None:
    """``lang`` is what the browser prefers."""

    def said(page: Page) -> str:
        html = page.html.find("html")
        said = "" if html is None else str(html.get("lang"))
        return "" if said == crawl.language else f"says {said}"

    assert not violations_of(crawl, said)


def test_each_page_has_a_heading_and_a_title(crawl: PageCrawl) -> None:
    """One heading of the first order; the title names the page, and says first if there are any errors."""

    def missing(page: Page) -> str:
        headings, title = page.html.find_all("h1"), page.html.find("title")
        if len(headings) != 1 or title is None or not title.get_text().partition("–")[0].strip():
            return f"{headings} {title}"
        is_marked = title.get_text().strip().startswith(("Error:", "Fehler:"))
        return "" if is_marked == bool(page.html.select(".summary")) else str(title)

    assert not violations_of(crawl, missing)


def test_labels_hints_and_errors_find_their_fields(crawl: PageCrawl) -> None:
    """Each id is there once, and whatever refers to one finds it."""

    def lost(page: Page) -> list[str]:
        ids = [str(tag["id"]) for tag in page.html.find_all(id=True)]
        wrong = [each for each in ids if ids.count(each) > 1 or not WELL_FORMED_ID.fullmatch(each)]
        for name in ("aria-describedby", "aria-labelledby", "for"):
            for tag in page.html.select(f"[{name}]"):
                wrong += [f"{name} {each}" for each in str(tag[name]).split() if each not in ids]
        return wrong + [link for link in page.links() if link.startswith("#") and link[1:] not in ids]

    assert not violations_of(crawl, lost)


def test_each_field_has_a_label(crawl: PageCrawl) -> None:
    """Each visible field has a label."""

    def unlabelled(page: Page) -> list[str]:
        labelled = {str(label.get("for")) for label in page.html.find_all("label")}
        fields = page.html.select("input:not([type=hidden]):not([hidden]), select, textarea")
        return [str(field) for field in fields if str(field.get("id")) not in labelled]

    assert not violations_of(crawl, unlabelled)


def test_whatever_leads_back_leads_to_a_page(crawl: PageCrawl) -> None:
    """Buttons and the switch of languages come back to an address that can be opened."""
    places = crawl.app.url_map.bind("127.0.0.1")

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

    assert not violations_of(crawl, dead_ends)


def test_each_form_that_changes_something_has_its_token(crawl: PageCrawl) -> None:
    """Each form that changes something has a CSRF token."""

    def unguarded(page: Page) -> list[str]:
        forms = page.html.find_all("form", method="post")
        has_none = page.path.partition("?")[0] == "/report"  # its code is the whole authority
        return [
            str(form) for form in forms if bool(form.select('input[name="csrf_token"][value]')) is has_none
        ]

    assert not violations_of(crawl, unguarded)


def test_no_field_for_a_password_is_filled_in(crawl: PageCrawl) -> None:
    """No password field has a value, whatever was typed."""

    def kept(page: Page) -> list[str]:
        return [str(field) for field in page.html.select('input[type="password"]') if field.get("value")]

    assert not violations_of(crawl, kept)
