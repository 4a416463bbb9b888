"""The record of processing describes each table and each column, and nothing that is not there."""

import inspect

from authbridge.data_protection.descriptions import Audience, DataSubject, KeptUntil, KeptWith, roles_of
from authbridge.data_protection.inventory import INVENTORY
from authbridge.storage.models import Base, Organiser, Role, Staff, table_of


def test_every_table_and_every_column_is_described() -> None:
    """A new column, and one that is gone, fail here until somebody has said what it is for."""
    described = {each.table.name: set(each.columns) for each in INVENTORY}
    assert len(described) == len(INVENTORY)
    stored = {table.name: {column.name for column in table.columns} for table in Base.metadata.sorted_tables}
    assert described == stored


def test_what_goes_with_another_row_is_deleted_by_the_database() -> None:
    """The claim is the schema's own: a foreign key with ON DELETE CASCADE."""
    claims = [(each.table, each.kept.owner) for each in INVENTORY if isinstance(each.kept, KeptWith)]
    for table, owner in claims:
        cascades = {key.column.table for key in table.foreign_keys if key.ondelete == "CASCADE"}
        assert table_of(owner) in cascades, table
    assert claims


def test_what_refers_to_a_person_is_their_data() -> None:
    """A table with a reference to an account or a member of staff cannot be called nobody's."""
    people = {table_of(Organiser): DataSubject.ORGANISER, table_of(Staff): DataSubject.STAFF}
    for described in INVENTORY:
        for key in described.table.foreign_keys:
            if key.column.table in people:
                assert described.subject is people[key.column.table], described.table


def test_no_page_shows_a_hash() -> None:
    """Whatever is called a hash, a key or a secret is for the program alone."""
    for described in INVENTORY:
        for name, column in described.columns.items():
            if name.endswith(("_hash", "_secret", "_key", "quick_check", "fingerprint", "pair")):
                seen_by = column.audience or described.audience
                assert seen_by is Audience.PROGRAM, f"{described.table}.{name}"


def test_who_sees_it_follows_from_the_permissions() -> None:
    """The page names the roles that the panel's pages ask for."""
    assert set(roles_of(Audience.EVERY_ROLE)) == set(Role)
    assert set(roles_of(Audience.INSPECTORS)) == {Role.ADMIN, Role.AUDITOR}
    assert roles_of(Audience.APPOINTERS) == (Role.ADMIN,)
    assert roles_of(Audience.PROGRAM) == ()


def test_what_stays_until_staff_end_it_names_their_command() -> None:
    """A command takes the actor, and writes who did it into the audit."""
    commands = [each.kept.by for each in INVENTORY if isinstance(each.kept, KeptUntil) and each.kept.by]
    assert commands
    for command in commands:
        assert "actor" in inspect.signature(command).parameters, command
