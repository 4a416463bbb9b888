"""Schools are added, and changed field by field."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from authbridge.audit import Action
from authbridge.errors import ConflictError, InputError, NotFoundError
from authbridge.schools.commands import schools
from authbridge.schools.commands.schools import ChangedMeanwhileError
from authbridge.schools.lookup import get_organiser, get_school
from authbridge.storage.database import Database
from authbridge.storage.models import AuditEvent
from tests.support.factories import ACTOR, make_school
from tests.support.fakes import MORNING
from tests.support.school_commands import actions


def test_what_is_not_there_is_named(database: Database) -> None:
    """A mistyped code or name is told, not guessed."""
    with database.read_session() as session:
        with pytest.raises(NotFoundError, match="gibt"):
            get_school(session, "gibt")
        with pytest.raises(NotFoundError, match="nicht"):
            get_organiser(session, "nicht")


def test_a_code_is_given_once(database: Database) -> None:
    """A school's code is never reused while the school is there."""
    make_school(database)

    with pytest.raises(ConflictError, match="ohg"):
        make_school(database, "OHG", "Another")


@pytest.mark.parametrize("network", ["300.1.1.1", "198.51.100.0/33", "example.org", "", "0.0.0.0/0", "::/0"])
def test_a_bad_network_is_refused(database: Database, network: str) -> None:
    """Trust is never given to something that is not an address."""
    make_school(database)

    with pytest.raises(InputError), database.write_session() as session:
        schools.change_school(session, "ohg", trusted_networks=[network], actor=ACTOR, now=MORNING)


def test_networks_are_kept_in_one_form(database: Database) -> None:
    """Host bits, doubles and order do not matter."""
    make_school(database)

    with database.write_session() as session:
        school = schools.change_school(
            session,
            "ohg",
            trusted_networks=["198.51.100.7/24", "2001:DB8::1/48", "198.51.100.0/24"],
            actor=ACTOR,
            now=MORNING,
        )

    assert school.trusted_networks == ["198.51.100.0/24", "2001:db8::/48"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b", "a\ue000b"])
def test_a_schools_name_is_printable(database: Database, name: str) -> None:
    """What cannot be printed on a letter is no name."""
    with pytest.raises(InputError), database.write_session() as session:
        schools.add_school(session, "gsw", name, actor=ACTOR, now=MORNING)


def change(database: Database, revision: int | None = None, **changes: Any) -> None:  # noqa: ANN401
    """A change to the school, as from a form."""
    with database.write_session() as session:
        schools.change_school(session, "ohg", revision=revision, actor=ACTOR, now=MORNING, **changes)


def test_a_school_is_changed_field_by_field(database: Database) -> None:
    """What is given changes, what is not stays, and the audit names what changed."""
    make_school(database)
    change(database, street=" Schulstr.  1 ", contract_on=date(2026, 9, 1), mailbox="office@ohg.example")
    change(database, street="Schulstr. 1", place="72336 Balingen", contract_on=None)

    with database.read_session() as session:
        school = get_school(session, "ohg")
        assert (school.name, school.street, school.place) == (
            "Otto-Hahn-Gymnasium",
            "Schulstr. 1",
            "72336 Balingen",
        )
        assert (school.mailbox, school.contract_on, school.revision) == ("office@ohg.example", None, 3)
        query = select(AuditEvent.detail).where(AuditEvent.action == Action.SCHOOL_CHANGE)
        assert session.scalars(query.order_by(AuditEvent.id)).all() == [
            {"street": "Schulstr. 1", "contract_on": "2026-09-01", "mailbox": "office@ohg.example"},
            {"place": "72336 Balingen", "contract_on": None},
        ]


def test_a_school_is_added_with_all_that_is_known(database: Database) -> None:
    """Or with less; the audit says what was given."""
    with database.write_session() as session:
        schools.add_school(
            session,
            "gsw",
            "Grundschule",
            street="",
            place="Balingen",
            contract_on=date(2026, 9, 1),
            trusted_networks=["198.51.100.7/24"],
            quota=20,
            actor=ACTOR,
            now=MORNING,
        )

    with database.read_session() as session:
        school = get_school(session, "gsw")
        assert (school.place, school.quota, school.revision) == ("Balingen", 20, 1)
        assert session.scalars(select(AuditEvent.detail)).one() == {
            "name": "Grundschule",
            "place": "Balingen",
            "contract_on": "2026-09-01",
            "trusted_networks": ["198.51.100.0/24"],
            "quota": 20,
        }


def test_nobody_overwrites_unseen(database: Database) -> None:
    """Two had the form open: the second is told, and nothing of his is written."""
    make_school(database)
    change(database, revision=1, name="Erste")

    with pytest.raises(ChangedMeanwhileError):
        change(database, revision=1, name="Zweite", place="Balingen")

    with database.read_session() as session:
        school = get_school(session, "ohg")
        assert (school.name, school.place, school.revision) == ("Erste", "", 2)
    change(database, revision=2, name="Zweite")


def test_a_form_that_is_sent_twice_changes_once(database: Database) -> None:
    """A double click is no conflict: the second finds everything as it wants it."""
    make_school(database)
    already = actions(database)
    for _ in range(2):
        change(database, revision=1, name="Anders")

    assert actions(database) == [*already, Action.SCHOOL_CHANGE]


@pytest.mark.parametrize(
    "changes",
    [
        {"street": "x" * 201},
        {"street": "a\0b"},
        {"place": "x" * 201},
        {"place": "a\ue000b"},
        {"quota": -1},
        {"quota": 5001},
        {"contract_on": date(1999, 12, 31)},
        {"contract_on": MORNING.date() + timedelta(days=367)},
        {"trusted_networks": [f"198.51.100.{number}" for number in range(51)]},
        {"mailbox": "nobody"},
    ],
)
def test_a_bad_value_changes_nothing(database: Database, changes: dict[str, Any]) -> None:
    """Not even the good ones beside it."""
    make_school(database)

    with pytest.raises(InputError):
        change(database, name="Anders", **changes)

    with database.read_session() as session:
        assert get_school(session, "ohg").name == "Otto-Hahn-Gymnasium"


@pytest.mark.parametrize(
    "typed", ["", "office@school.example", "o'neil+x@a.b.example", "sekretariat@schule-müller.example"]
)
def test_a_mailbox_is_kept_as_typed(typed: str) -> None:
    """Blanks around it come along with copy & paste."""
    assert schools.parse_mailbox(f" {typed}\n") == typed


@pytest.mark.parametrize(
    "typed",
    [
        "office",
        "office@",
        "@school.example",
        "office@localhost",
        "a b@school.example",
        "a@school..example",
        "a@-school.example",
        "a@school.example\nBcc: b@school.example",
        "a@school.example, b@school.example",
        "Office <a@school.example>",
        "a@[192.0.2.1]",
        "müller@school.example",
        "a@" + "b" * 64 + ".example",
        "a@" + "b.c" * 90 + ".example",
    ],
)
def test_what_no_mail_reaches_is_no_mailbox(typed: str) -> None:
    """One address, that of an office."""
    with pytest.raises(InputError):
        schools.parse_mailbox(typed)
