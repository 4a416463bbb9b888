"""Changes schools: adds them, and changes their details."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from authbridge.audit import Action, Actor, record
from authbridge.errors import ConflictError, InputError
from authbridge.login.usernames import parse_school_code
from authbridge.schools.lookup import get_school
from authbridge.schools.school_rows import school_counts
from authbridge.storage.models import School
from authbridge.typed_text import drop_invisible, parse_line

MOST_ACCOUNTS = 5000  # of one school; the largest have some hundred teachers

_LONGEST_LINE = 200  # characters of a name, a street or a place
_LONGEST_MAILBOX = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
# What browsers take for a mail address (HTML, "valid e-mail address"), with umlauts and a dot in the domain.
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_MAILBOX = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+")
_MOST_NETWORKS = 50  # each login of the school is compared with them
_WIDEST = {4: 8, 6: 16}  # bits by the version of IP: 10.0.0.0/8 may be a school's, the whole internet not
_EARLIEST_CONTRACT = date(2000, 1, 1)  # before that it is a slip of the hand
_LATEST_CONTRACT = timedelta(days=366)  # from today: a contract may begin with the next school year


class SchoolDetails(TypedDict, total=False):
    """The details of a school besides its name, as typed; ``contract_on`` None: there is no contract."""

    street: str
    place: str
    mailbox: str
    contract_on: date | None
    trusted_networks: Sequence[str]
    quota: int


class SchoolChanges(SchoolDetails, total=False):
    """The details to change; absent ones stay."""

    name: str


class ChangedMeanwhileError(ConflictError):
    """Raised when somebody else changed the school since it was read; nothing was changed."""


def add_school(
    session: Session,
    code: str,
    name: str,
    *,
    actor: Actor,
    now: datetime,
    **details: Unpack[SchoolDetails],
) -> School:
    """Adds a school.

    Raises:
        ConflictError: The code is taken.
        InputError: A value cannot be accepted.
    """
    school_code = parse_school_code(code)
    if session.scalar(select(School.id).where(School.code == school_code)) is not None:
        raise ConflictError("There is a school “%(code)s” already.", code=school_code)
    values = {"name": parse_name(name), **_parse(details, now)}
    school = School(code=school_code, created_at=now, **values)
    session.add(school)
    given = {field: value for field, value in values.items() if value not in ("", None, [])}
    record(session, actor=actor, action=Action.SCHOOL_ADD, subject=school_code, now=now, **_as_detail(given))
    return school


def change_school(
    session: Session,
    code: str,
    *,
    revision: int | None = None,
    actor: Actor,
    now: datetime,
    **changes: Unpack[SchoolChanges],
) -> School:
    """Changes the given details; networks are CIDR and replace the former ones.

    ``revision`` is that of the school when it was read (None: whatever it is now).

    Raises:
        NotFoundError: There is no such school.
        InputError: A value cannot be accepted.
        ChangedMeanwhileError: The school has another revision by now, and something is to change all the
        same.
    """
    school = get_school(session, code, lock=True)
    effective = {
        field: value for field, value in _parse(changes, now).items() if value != getattr(school, field)
    }
    if not effective:
        return school
    if revision not in {None, school.revision}:
        raise ChangedMeanwhileError(
            "Somebody else changed the school “%(code)s” meanwhile. Please look at it again.",
            code=school.code,
        )
    for field, value in effective.items():
        setattr(school, field, value)
    school.revision += 1
    record(
        session,
        actor=actor,
        action=Action.SCHOOL_CHANGE,
        subject=school.code,
        now=now,
        **_as_detail(effective),
    )
    return school


def make_room(session: Session, code: str, wanted: int, *, actor: Actor, now: datetime) -> School:
    """Raises the quota, if need be, so that the school has room for that many more organisers.

    Raises:
        NotFoundError: There is no such school.
        InputError: No school may have so many.
    """
    school = get_school(session, code, lock=True)
    needed = school_counts(session, school).organisers + wanted
    return change_school(session, code, quota=max(needed, school.quota), actor=actor, now=now)


def parse_name(typed: str) -> str:
    """Returns the name of a school.

    Raises:
        InputError: It is empty, too long, or cannot be printed.
    """
    name = parse_line(typed)
    if not 1 <= len(name) <= _LONGEST_LINE:
        raise InputError("A school's name has 1 to %(most)s characters.", most=_LONGEST_LINE)
    return name


def parse_street(typed: str) -> str:
    """Returns street and number, or a post-office box; may be empty.

    Raises:
        InputError: It is too long, or cannot be printed.
    """
    street = parse_line(typed)
    if len(street) > _LONGEST_LINE:
        raise InputError("A street has at most %(most)s characters.", most=_LONGEST_LINE)
    return street


def parse_place(typed: str) -> str:
    """Returns postcode and town; may be empty.

    Raises:
        InputError: It is too long, or cannot be printed.
    """
    place = parse_line(typed)
    if len(place) > _LONGEST_LINE:
        raise InputError("A place has at most %(most)s characters.", most=_LONGEST_LINE)
    return place


def parse_mailbox(typed: str) -> str:
    """Returns the mail address of a school's office; may be empty.

    Raises:
        InputError: It is no mail address.
    """
    mailbox = drop_invisible(typed).strip()
    if mailbox and (len(mailbox) > _LONGEST_MAILBOX or not _MAILBOX.fullmatch(mailbox)):
        raise InputError("This is no mail address, such as office@school.example.")
    return mailbox


def parse_contract_day(day: date | None, *, today: date) -> date | None:
    """Returns the day of the contract on data processing.

    Raises:
        InputError: The day lies too far in the past or the future to be meant.
    """
    if day is not None and not _EARLIEST_CONTRACT <= day <= today + _LATEST_CONTRACT:
        raise InputError("The date of a contract lies between the year 2000 and a year from today.")
    return day


def parse_network(typed: str) -> str:
    """Returns a network in its stored form (CIDR).

    Raises:
        InputError: It is no network, or too wide for a school's own.
    """
    try:
        network = ipaddress.ip_network(drop_invisible(typed).strip(), strict=False)
    except ValueError:
        raise InputError(
            "“%(typed)s” is no network, such as 198.51.100.7 or 2001:db8:12::/48.", typed=typed
        ) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise InputError("“%(typed)s” is too wide for a school's own network.", typed=typed)
    return str(network)


def parse_networks(typed: Iterable[str]) -> list[str]:
    """Returns networks in their stored form, each once.

    Raises:
        InputError: One of them is none, or there are too many.
    """
    networks = sorted({parse_network(each) for each in typed})
    if len(networks) > _MOST_NETWORKS:
        raise InputError("A school has at most %(most)s networks of its own.", most=_MOST_NETWORKS)
    return networks


def parse_quota(number: int) -> int:
    """Returns the number of accounts that a school may have.

    Raises:
        InputError: It is out of range.
    """
    if not 0 <= number <= MOST_ACCOUNTS:
        raise InputError("A school may have 0 to %(most)s accounts.", most=MOST_ACCOUNTS)
    return number


def _parse(typed: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    parsers: dict[str, Callable[[Any], object]] = {
        "name": parse_name,
        "street": parse_street,
        "place": parse_place,
        "mailbox": parse_mailbox,
        "contract_on": partial(parse_contract_day, today=now.date()),
        "trusted_networks": parse_networks,
        "quota": parse_quota,
    }
    return {field: parsers[field](value) for field, value in typed.items()}


def _as_detail(values: Mapping[str, Any]) -> dict[str, object]:
    return {field: value.isoformat() if isinstance(value, date) else value for field, value in values.items()}
