"""What all forms share: how they are opened, and how the errors of a command are shown in them."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

from flask import request
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, PasswordField, StringField

from admin.panel import current_panel, now
from admin.session.sessions import current_session
from admin.web.i18n import say
from authbridge.errors import AuthBridgeError, StorageError
from authbridge.typed_text import drop_invisible

_Form = TypeVar("_Form", bound="PanelForm")


class PanelForm(FlaskForm):
    """A form of the panel; without fields of its own it is a button with a CSRF token.

    ``error_status`` is the HTTP status of the page if the form has errors.
    """

    error_status = 422

    class Meta(FlaskForm.Meta):
        """Drops the invisible characters of what is pasted into a text field; a password keeps its own."""

        def bind_field(self, form: FlaskForm, unbound_field: Any, options: dict[str, Any]) -> Field:  # noqa: ANN401
            """Returns the field of a form that is opened."""
            bound: Field = super().bind_field(form, unbound_field, options)
            if isinstance(bound, StringField) and not isinstance(bound, PasswordField | HiddenField):
                bound.filters = [*bound.filters, _drop_invisible]
            return bound

    def show_errors(self, fields: Mapping[type[AuthBridgeError], str] | None = None) -> "_ShownErrors":
        """Shows the errors raised inside the ``with`` block in this form, which keeps what was typed.

        ``fields`` names the field at which a kind of error is shown; all others are shown above the form.
        """
        return _ShownErrors(self, fields or {})

    def add_error(self, error: AuthBridgeError, field_name: str | None) -> None:
        """Shows one error, at a field or above the form."""
        self.error_status = 503 if isinstance(error, StorageError) else 422
        if field_name is None:
            self.form_errors.append(say(error))
        else:
            self[field_name].errors = [*self[field_name].errors, say(error)]


def _drop_invisible(typed: str | None) -> str | None:
    return None if typed is None else drop_invisible(typed)


class _ShownErrors:
    """Turns an :class:`AuthBridgeError` into an error of the form; what follows the block runs then."""

    def __init__(self, form: PanelForm, fields: Mapping[type[AuthBridgeError], str]) -> None:
        self._form = form
        self._fields = fields

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, AuthBridgeError):
            return False
        field_name = next((name for kind, name in self._fields.items() if isinstance(error, kind)), None)
        self._form.add_error(error, field_name)
        return True


def open_form(form: type[_Form], **defaults: object) -> _Form:
    """Returns the form as it was sent, or with the draft of an expired session, or with its defaults."""
    if request.method == "POST":
        return form()
    return form(formdata=take_draft(request.path), data=defaults)


def take_draft(path: str) -> Mapping[str, str] | None:
    """Returns what the person signed in had sent to that path when their session had expired; only once."""
    return current_panel().drafts.take(current_session().name, path, now=now())
