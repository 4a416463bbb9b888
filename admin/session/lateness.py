"""What becomes of a form that came after the session or the fresh code had run out: nothing is swallowed.

The panel keeps the form for its sender alone.  After the next sign-in or code the page of the button says
that nothing was done, and shows the button again.  The panel never sends a form for anybody.
"""

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from admin.panel import current_panel, now
from admin.session.button_labels import sent_fields, signed_label
from admin.session.flashes import again_action, flash
from admin.session.sessions import current_session
from admin.stores.late_forms import Button, LateForm, Lateness
from admin.web.redirects import has_page, page_of_form

# Blueprints whose forms may hold passwords and codes.
_WITH_SECRETS = frozenset({"auth", "account", "passkeys", "imports"})


def keep(sender: str, lateness: Lateness, *, is_grave: bool) -> bool:
    """Keeps the form of this request for its sender; its token has proved that one of our pages sent it.

    The sender may be a stranger: a person at a browser that was left alone, or the holder of an expired
    cookie.  So the panel offers a button again only if the page has signed what it does, and a grave button
    never: its own page has it.  Returns whether what was typed comes back.
    """
    if request.method != "POST" or not request.form:  # a page's own script sends no fields
        return False
    panel, label, fields = current_panel(), signed_label(), sent_fields()
    is_form = has_page() or (label is None and bool(fields) and not is_grave)
    comes_back = is_form and not may_hold_secrets()
    if comes_back:
        panel.drafts.keep(sender, request.path, MultiDict(fields), now=now())
    button = None if is_grave or label is None else _button(label, fields)
    panel.late_forms.keep(
        sender, request.path, LateForm(page_of_form(), lateness, is_form, label, button), now=now()
    )
    return comes_back


def may_hold_secrets() -> bool:
    """Tells whether the fields of this form must not be kept."""
    return request.blueprint in _WITH_SECRETS


def _button(label: str, fields: list[tuple[str, str]]) -> Button | None:
    if request.endpoint is None:
        return None
    kept = [] if may_hold_secrets() else fields
    return Button(label, request.endpoint, dict(request.view_args or {}), kept)


def waiting_labels(page: str) -> list[str]:
    """Returns which buttons of that page wait for a fresh code; "" for one that does not say what it does."""
    forms = current_panel().late_forms.find(
        current_session().name, Lateness.STALE_FACTOR, page=page, now=now()
    )
    return [form.label or "" for form in forms]


def tell(lateness: Lateness, *, page: str | None = None) -> str | None:
    """Tells the person signed in of the forms that came too late; returns the page of the latest one.

    With ``page``, only those of that page: others were given up.
    """
    forms = current_panel().late_forms.take(current_session().name, lateness, page=page, now=now())
    for form in forms:
        kind = "warn" if form.is_form else "error"
        flash(kind, _sentence(form), None if form.button is None else again_action(form.button))
    return forms[-1].page if forms else None


def _sentence(form: LateForm) -> str:
    return _of_page(form.lateness) if form.is_form else _of_button(form.lateness, form.label)


def _of_page(lateness: Lateness) -> str:
    match lateness:
        case Lateness.SIGNED_OUT:
            return _(
                "Nothing is saved yet: you had been signed out. Please check this page and send it again."
            )
        case Lateness.STALE_FACTOR:
            return _(
                "Nothing is saved yet: a fresh code was needed first."
                " Please check this page and send it again."
            )


def _of_button(lateness: Lateness, label: str | None) -> str:
    is_signed_out = lateness is Lateness.SIGNED_OUT
    if label is None and is_signed_out:
        return _("What you pressed last was not carried out: you had been signed out. Nothing was changed.")
    if label is None:
        return _("What you pressed last was not carried out yet: a fresh code was needed first.")
    if is_signed_out:
        return _(
            "Not carried out: “%(label)s”. You had been signed out, and nothing was changed.", label=label
        )
    return _("Not carried out yet: “%(label)s”. A fresh code was needed first.", label=label)
