"""What holds for the whole source: one name for one thing, and docstrings that begin with a verb."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# The third person of a verb.  These words end alike and are none.
_VERB = re.compile(r"(?!(?:This|Its|Always|Has|Is|Was|Unless|Less|Others|Those|Yes)\b)[A-Z][a-z]+s\b")


def sources(*places: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yields each Python file of these places, parsed; a place is a file or a folder."""
    for place in places:
        path = ROOT / place
        for each in [path] if path.is_file() else sorted(path.rglob("*.py")):
            if "versions" not in each.parts:  # migrations: Alembic names their functions
                yield each.relative_to(ROOT), ast.parse(each.read_text(encoding="utf-8"))


def imported_by(tree: ast.Module) -> Iterator[str]:
    """Yields the names of the modules that a file imports anywhere, also within its functions."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{each.name}" for each in names)


def files_behind(start: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yields that file and, once each, those of our own that it imports, and so on."""
    seen, waiting = set[Path](), [Path(start)]
    while waiting:
        ((path, tree),) = sources(str(waiting.pop()))
        yield path, tree
        for name in imported_by(tree):
            below = Path(*name.split("."))
            for each in (below.with_suffix(".py"), below / "__init__.py"):
                if each not in seen and (ROOT / each).is_file():
                    seen.add(each)
                    waiting.append(each)


def room_of(path: Path) -> str:
    """Returns the folder below ``authbridge`` or ``admin``; a module at the door is a room of its own."""
    return "/".join(path.parts[:2])


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tells whether click shows the docstring as help, which asks the reader to do something."""
    decorators = " ".join(ast.unparse(each) for each in function.decorator_list)
    return re.search(r"\b(command|group)\(", decorators) is not None


def test_no_two_rooms_define_a_class_of_the_same_name() -> None:
    """One noun means one thing; private classes do not leave their file."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources("authbridge", "admin"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                rooms[node.name].add(room_of(path))
    assert {name: found for name, found in rooms.items() if len(found) > 1} == {}


@pytest.mark.parametrize("place", ["authbridge", "admin"])
def test_docstrings_of_functions_begin_with_a_verb(place: str) -> None:
    """Such as "Returns …", "Suspends …", "Tells whether …": the first word says what a function does."""
    faults = [
        f"{path}:{node.lineno} {docstring.splitlines()[0]}"
        for path, tree in sources(place)
        for node in ast.walk(tree)
        if isinstance(node, _DEFINITIONS) and not is_command(node)
        if (docstring := ast.get_docstring(node)) is not None and not _VERB.match(docstring)
    ]
    assert faults == []


def test_make_run_needs_no_package_of_the_tests() -> None:
    """The demo and the product are given those of deploy/requirements.txt alone."""
    pins = (ROOT / "deploy/requirements.txt").read_text(encoding="utf-8")
    allowed = {"authbridge", *re.findall(r"(?m)^([a-z0-9-]+)==", pins)}
    distributions = packages_distributions()
    needed = {
        (str(path), re.sub(r"[-_.]+", "-", distribution).lower())  # PEP 503
        for path, tree in (*files_behind("workbench/demo.py"), *sources("authbridge", "admin", "wsgi.py"))
        for name in imported_by(tree)
        for distribution in distributions.get(name.partition(".")[0], ())
    }
    assert needed
    assert {(path, name) for path, name in needed if name not in allowed} == set()
