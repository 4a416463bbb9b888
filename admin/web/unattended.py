"""Marks the views that a page asks for by itself; such a request does not show that a person is there."""

from typing import TypeVar

from flask import current_app, request

_View = TypeVar("_View")

_ATTRIBUTE = "panel_unattended"


def unattended(view: _View) -> _View:
    """Marks a view that pages poll."""
    setattr(view, _ATTRIBUTE, True)
    return view


def is_unattended() -> bool:
    """Tells whether this request was made by a page, not by a person."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), _ATTRIBUTE)
