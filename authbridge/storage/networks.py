"""Compares an address with a network in SQL, on both databases alike."""

import ipaddress
from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class Overlaps(GenericFunction[bool]):
    """Tells whether two addresses or networks (CIDR) share an address; NULL if one is unknown or ""."""

    name = "overlaps"
    type = Boolean()
    inherit_cache = True


@compiles(Overlaps, "postgresql")
def _compile(element: Overlaps, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    one, other = (
        f"CAST(NULLIF({compiler.process(each, **options)}, '') AS inet)" for each in element.clauses
    )
    return f"{one} && {other}"


def overlaps(one: str | None, other: str | None) -> bool | None:
    """Does the same in Python, for SQLite."""
    if not one or not other:
        return None
    shared: bool = _parse(one).overlaps(_parse(other))
    return shared


def _parse(text: str) -> Any:  # noqa: ANN401 - of either version; networks of two versions do not overlap
    return ipaddress.ip_network(text, strict=False)
