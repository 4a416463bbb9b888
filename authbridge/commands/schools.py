"""Changes to schools."""

import ipaddress
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError, InputError
from authbridge.models import School
from authbridge.queries import get_school
from authbridge.usernames import parse_school_code

_LONGEST_NAME = 200
_WIDEST = {4: 8, 6: 16}  # bits by the version of IP: 10.0.0.0/8 may be a school's, the whole internet not


def add_school(session: Session, code: str, name: str, *, actor: Actor, now: datetime) -> School:
    """Adds a school; raises :class:`ConflictError` for a taken code, :class:`InputError` for a bad one."""
    school_code = parse_school_code(code)
    if session.scalar(select(School.id).where(School.code == school_code)) is not None:
        message = f"There is a school “{school_code}” already."
        raise ConflictError(message)
    school = School(code=school_code, name=_parse_name(name), trusted_networks=[], created_at=now)
    session.add(school)
    record(session, actor=actor, action=Action.SCHOOL_ADD, subject=school_code, now=now, name=school.name)
    return school


def change_school(
    session: Session,
    code: str,
    *,
    name: str | None = None,
    trusted_networks: list[str] | None = None,
    actor: Actor,
    now: datetime,
) -> School:
    """Changes what is given (None: stays); networks are CIDR and replace the former ones."""
    school = get_school(session, code, lock=True)
    changes: dict[str, object] = {}
    if name is not None and (parsed_name := _parse_name(name)) != school.name:
        changes["name"] = school.name = parsed_name
    if trusted_networks is not None:
        networks = sorted({_parse_network(network) for network in trusted_networks})
        if networks != school.trusted_networks:
            changes["trusted_networks"] = school.trusted_networks = networks
    if changes:
        record(session, actor=actor, action=Action.SCHOOL_CHANGE, subject=school.code, now=now, **changes)
    return school


def _parse_name(typed: str) -> str:
    name = " ".join(typed.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        message = f"A school's name has 1 to {_LONGEST_NAME} characters."
        raise InputError(message)
    return name


def _parse_network(typed: str) -> str:
    try:
        network = ipaddress.ip_network(typed.strip(), strict=False)
    except ValueError:
        message = f"“{typed}” is no network, such as 198.51.100.7 or 2001:db8:12::/48."
        raise InputError(message) from None
    if network.prefixlen < _WIDEST[network.version]:
        message = f"“{typed}” is too wide for a school's own network."
        raise InputError(message)
    return str(network)
