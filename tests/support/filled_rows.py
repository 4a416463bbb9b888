"""Rows with something in every column, each value found nowhere else: what is lost of them is noticed."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Integer, LargeBinary, SmallInteger, String

from authbridge.storage.models import Base, UtcDateTime, table_of
from tests.support.fakes import MORNING

_numbers = count(1)


def fill(model: type[Base], moment: datetime = MORNING, /, **values: object) -> Any:  # noqa: ANN401 - of that model
    """Returns a row in which every column holds something of its own; moments are ``moment``, or soon after.

    References to other tables stay empty unless ``values`` has them.
    """
    return model(**values_for(model, moment) | values)


def values_for(model: type[Base], moment: datetime = MORNING) -> dict[str, object]:
    """Returns the values of such a row, but those that refer to other tables."""
    return {
        column.name: _value(column, moment) for column in table_of(model).columns if not column.foreign_keys
    }


def _value(column: Column[Any], moment: datetime) -> object:
    number = next(_numbers)
    match column.type:
        case UtcDateTime():
            return moment + timedelta(microseconds=number)
        case Date():
            return moment.date()
        case Boolean():
            return True
        case SmallInteger():
            return number % 4096
        case Integer() | BigInteger():
            return 1_000_000 + number
        case LargeBinary():
            return str(number).encode()
        case JSON():
            return {f"key-{number}": number}
        case String(length=length):
            return f"{number:05}-{column.name}"[:length]
        case other:
            message = f"no value for {column}: {other}"
            raise AssertionError(message)
