"""The table of OWASP ASVS 5.0.0 is complete, and all that it names exists."""

import ast
from functools import cache
from typing import assert_never

from workbench import ROOT
from workbench.papers import PAPERS
from workbench.papers.asvs import Requirement, State, read_requirements, render_asvs

LEVELS = {
    "1.1": "22",
    "1.2": "1111122223",
    "1.3": "112222222223",
    "1.4": "222",
    "1.5": "123",
    "2.1": "122",
    "2.2": "112",
    "2.3": "12223",
    "2.4": "23",
    "3.1": "3",
    "3.2": "113",
    "3.3": "12223",
    "3.4": "11222233",
    "3.5": "11122333",
    "3.6": "3",
    "3.7": "22333",
    "4.1": "12233",
    "4.2": "23333",
    "4.3": "22",
    "4.4": "1222",
    "5.1": "2",
    "5.2": "112333",
    "5.3": "113",
    "5.4": "222",
    "6.1": "122",
    "6.2": "111111112222",
    "6.3": "11223333",
    "6.4": "112233",
    "6.5": "22222333",
    "6.6": "2223",
    "6.7": "33",
    "6.8": "2222",
    "7.1": "222",
    "7.2": "1111",
    "7.3": "22",
    "7.4": "11222",
    "7.5": "223",
    "7.6": "22",
    "8.1": "1233",
    "8.2": "1123",
    "8.3": "133",
    "8.4": "23",
    "9.1": "111",
    "9.2": "1222",
    "10.1": "22",
    "10.2": "223",
    "10.3": "22223",
    "10.4": "1111122222233333",
    "10.5": "22222",
    "10.6": "22",
    "10.7": "222",
    "11.1": "2233",
    "11.2": "22233",
    "11.3": "11233",
    "11.4": "1222",
    "11.5": "23",
    "11.6": "23",
    "11.7": "33",
    "12.1": "12233",
    "12.2": "11",
    "12.3": "22223",
    "13.1": "2333",
    "13.2": "222223",
    "13.3": "2233",
    "13.4": "1222233",
    "14.1": "22",
    "14.2": "12223333",
    "14.3": "122",
    "15.1": "12233",
    "15.2": "12233",
    "15.3": "1222222",
    "15.4": "3333",
    "16.1": "2",
    "16.2": "22222",
    "16.3": "2222",
    "16.4": "222",
    "16.5": "2223",
    "17.1": "23",
    "17.2": "22223333",
    "17.3": "22",
}
"""The levels of a section's requirements, in its order: from the standard's CSV file (v5.0.0_release)."""

REQUIREMENTS = read_requirements()


@cache
def text_of(name: str) -> str:
    """Returns the text of a file of the project; "" where there is none."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@cache
def names_of_tests(name: str) -> frozenset[str]:
    """Returns the names of the tests of a Python file."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(text_of(name))) if isinstance(node, functions))


def is_there(test: str) -> bool:
    """Tells whether there is that test; of Lua, a description that begins so."""
    name, _, wanted = test.partition("::")
    return wanted in (names_of_tests(name) if name.endswith(".py") else text_of(name))


def is_complete(each: Requirement) -> bool:
    """Tells whether what is met says where and by what proof, and everything else has a reason."""
    match each.state:
        case State.MET:
            return bool(each.where and (each.tests or each.note))
        case State.NOT_APPLICABLE:
            return bool(each.note) and not each.where + each.tests
        case State.DEVIATION:
            return bool(each.note)
        case State.OPEN:
            return "To do: " in each.note or "To decide: " in each.note
    assert_never(each.state)


def test_each_requirement_of_level_two_is_there_once() -> None:
    """Those of level 1 and 2, by their numbers and with their levels, in the standard's order."""
    wanted = [
        (f"{section}.{place}", int(level))
        for section, levels in LEVELS.items()
        for place, level in enumerate(levels, 1)
        if level != "3"
    ]
    assert len(wanted) == 253
    assert [(each.number, each.level) for each in REQUIREMENTS] == wanted


def test_what_is_named_exists() -> None:
    """Each file and the word in it, and each test."""
    places = [place.partition(":") for each in REQUIREMENTS for place in each.where]
    assert [place for place in places if not text_of(place[0]) or place[2] not in text_of(place[0])] == []
    assert [test for each in REQUIREMENTS for test in each.tests if not is_there(test)] == []


def test_each_state_has_what_it_needs() -> None:
    """A place and a proof, a reason, or what is to be done."""
    assert [each.number for each in REQUIREMENTS if not is_complete(each)] == []


def test_the_page_is_the_tables() -> None:
    """``make papers`` was run after the table was changed."""
    assert (PAPERS / "asvs.md").read_text(encoding="utf-8") == render_asvs()
