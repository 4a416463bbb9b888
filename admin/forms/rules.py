"""Rules that fields of several forms share."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from admin.web.i18n import say
from authbridge.errors import InputError

_MAX_SECRET = 256  # characters; longer ones are not even looked at
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)

required = InputRequired(_("Please fill this in."))
bounded = Length(max=_MAX_SECRET, message=_("That is too long."))


def parsed_by(parse: Callable[[Any], object]) -> Callable[[FlaskForm, Field], None]:
    """Returns the rule that ``parse`` accepts the field; its ``InputError`` is shown at the field."""

    def require_parsable(_form: FlaskForm, field: Field) -> None:
        # A field that was not sent has None instead of "".
        typed = "" if field.data is None and isinstance(field, StringField) else field.data
        try:
            parse(typed)
        except InputError as error:
            raise ValidationError(say(error)) from None

    return require_parsable
