"""Renders who may do what: pages and data of the panel by role, files and units of the machine by user."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from pkgutil import iter_modules
from types import FunctionType, ModuleType

from admin import views
from admin.session.access import Access, declared_access
from authbridge.data_protection.descriptions import Audience, TableDescription, roles_of
from authbridge.data_protection.inventory import INVENTORY
from authbridge.installation.accounts import TOKEN_READERS
from authbridge.installation.system import TOKEN_GROUP
from authbridge.machine.checks.system import OUR_FILES
from authbridge.machine.setup import Setup
from authbridge.staff.permissions import PERMISSIONS, Permission
from authbridge.storage.models import Role
from workbench import ROOT
from workbench.papers import render

_MEANINGS = {
    Permission.READ: "see everything but secrets, addresses and the audit",
    Permission.INSPECT: "see the journal with addresses, hold its entries, see audit and server check",
    Permission.MANAGE: "change schools, organisers, letters, suspensions, waits",
    Permission.APPOINT: "change staff",
}
_READERS = {
    Audience.EVERY_ROLE: "every role",
    Audience.OWNER: "the member of staff themself",
    Audience.PROGRAM: "no page shows it",
}


@dataclass(frozen=True, slots=True)
class Right:
    """A permission, and for each role whether it has that."""

    name: str
    meaning: str
    allowed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A view of the panel: its module, what it does, and who may use it, role by role."""

    module: str
    does: str
    fresh: bool
    stranger: str
    allowed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Readers:
    """A table of the database, who sees it, and which of its columns others see."""

    title: str
    name: str
    readers: str
    exceptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A service as its unit file sets it up."""

    name: str
    user: str
    capabilities: str
    writes: str | None
    network: str


def render_roles() -> str:
    """Returns the page."""
    return render(
        "roles.md",
        roles=tuple(Role),
        rights=tuple(_right(permission, meaning) for permission, meaning in _MEANINGS.items()),
        pages=tuple(_pages()),
        tables=tuple(map(_readers, INVENTORY)),
        token_readers=TOKEN_READERS,
        files=((Setup(host="").token_file, 0o640, "root", TOKEN_GROUP), *OUR_FILES),
        units=tuple(map(_unit, sorted((ROOT / "deploy/systemd").glob("*.service")))),
    )


def _right(permission: Permission, meaning: str) -> Right:
    return Right(permission, meaning, tuple(permission in PERMISSIONS[role] for role in Role))


def _pages() -> Iterator[Page]:
    for each in sorted(iter_modules(views.__path__), key=lambda module: module.name):
        yield from _pages_of(import_module(f"{views.__name__}.{each.name}"), each.name)


def _pages_of(module: ModuleType, name: str) -> Iterator[Page]:
    for view in vars(module).values():
        # By the exact type: Flask's proxies pass for whatever they stand for.
        if type(view) is not FunctionType or view.__module__ != module.__name__:
            continue
        if access := declared_access(view):
            yield _page(name, " ".join((getdoc(view) or "").partition("\n\n")[0].split()), access)


def _page(module: str, does: str, access: Access) -> Page:
    if access.stage is not None:
        return Page(module, does, access.fresh, "half-way", (False,) * len(Role))
    is_open = access.permission is None
    allowed = tuple(is_open or access.permission in PERMISSIONS[role] for role in Role)
    return Page(module, does, access.fresh, "yes" if is_open else "–", allowed)


def _readers(table: TableDescription) -> Readers:
    return Readers(table.title, table.table.name, readers_of(table.audience), tuple(_exceptions(table)))


def _exceptions(table: TableDescription) -> Iterator[str]:
    for audience in Audience:
        names = [name for name, column in table.columns.items() if column.audience is audience]
        if names and audience is not table.audience:
            yield f"{', '.join(f'`{name}`' for name in names)}: {readers_of(audience)}"


def readers_of(audience: Audience) -> str:
    """Returns who sees it in the panel, in words."""
    return _READERS.get(audience) or ", ".join(roles_of(audience))


def _unit(path: Path) -> Unit:
    settings = dict(re.findall(r"^(\w+)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    state = settings.get("StateDirectory")
    return Unit(
        name=path.name,
        user="its own while it runs"
        if settings.get("DynamicUser") == "yes"
        else settings.get("User", "root"),
        capabilities=settings["CapabilityBoundingSet"],
        writes=f"/var/lib/{state}" if state else settings.get("ReadWritePaths", "").lstrip("-") or None,
        network=f"{settings['IPAddressAllow']} only" if "IPAddressAllow" in settings else "as the machine",
    )
