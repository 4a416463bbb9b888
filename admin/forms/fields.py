"""Fields with errors in plain words; those of WTForms speak of integers and choices."""

import re

from flask_babel import gettext as _
from wtforms import Field, IntegerField
from wtforms.widgets import TextInput

from admin.web.i18n import say, typed_day
from authbridge.errors import InputError
from authbridge.typed_text import drop_invisible, parse_day

_NUMBER = re.compile(r"\s*[0-9]{1,9}\s*")  # longer ones can be no number of anything here


class NumberField(IntegerField):
    """A whole number."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parses what was typed.

        Raises:
            ValueError: It is no number of at most nine digits; WTForms shows the sentence.
        """
        typed = drop_invisible(valuelist[0]) if valuelist else ""
        if typed.strip():
            if not _NUMBER.fullmatch(typed):
                self.data = None
                raise ValueError(_("Please give a whole number."))
            self.data = int(typed)


class DayField(Field):
    """A day as people write it.

    It is a plain text field: one of the type "date" sends nothing for a day that it cannot read, such as
    31.06.2027, so that a slip of the hand would look like no day at all.
    """

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parses what was typed.

        Raises:
            ValueError: It is no day; WTForms shows the sentence.
        """
        self.data = None
        typed = drop_invisible(valuelist[0]) if valuelist else ""
        if typed.strip():
            try:
                self.data = parse_day(typed)
            except InputError as error:
                raise ValueError(say(error)) from None

    @property
    def is_typed(self) -> bool:
        """Tells whether the field was sent with anything in it."""
        return bool(self.raw_data and str(self.raw_data[0]).strip())

    def _value(self) -> str:
        if self.raw_data:
            return drop_invisible(str(self.raw_data[0]))
        return typed_day(self.data) if self.data else ""
