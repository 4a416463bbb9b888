"""Pages: a template with its status."""

from http import HTTPStatus
from typing import Protocol

from flask import render_template
from flask.typing import ResponseReturnValue


class _Form(Protocol):
    error_status: int

    @property
    def errors(self) -> object: ...


def page(template: str, **context: object) -> ResponseReturnValue:
    """Returns the page with status 200."""
    return render_template(template, **context)


def form_page(template: str, form: _Form | None, **context: object) -> ResponseReturnValue:
    """Returns the page with its form: 200, or with what was typed and the status of the form's errors."""
    status = form.error_status if form is not None and form.errors else HTTPStatus.OK
    return render_template(template, form=form, **context), status
