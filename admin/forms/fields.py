"""Fields with errors in plain words; those of WTForms speak of integers and choices."""

import re

from flask_babel import gettext as _
from wtforms import DateField, IntegerField

_NUMBER = re.compile(r"\s*[0-9]{1,9}\s*")  # longer ones can be no number of anything here


class NumberField(IntegerField):
    """A whole number."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parses what was typed.

        Raises:
            ValueError: It is no number of at most nine digits; WTForms shows the sentence.
        """
        if valuelist and valuelist[0].strip():
            if not _NUMBER.fullmatch(valuelist[0]):
                self.data = None
                raise ValueError(_("Please give a whole number."))
            self.data = int(valuelist[0])


class DayField(DateField):
    """A day, as the browser's calendar sends it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parses what was typed.

        Raises:
            ValueError: It is no day; WTForms shows the sentence.
        """
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Please give a day, such as %(day)s.", day="31.07.2027")) from None
