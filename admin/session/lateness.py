"""What becomes of a form that came after the session or the fresh code had run out: nothing is swallowed.

The panel keeps the form for its sender alone.  After the next sign-in or code the page of the button says
that nothing was done, and shows the button again.  The panel never sends a form for anybody.
"""

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from admin.panel import current_panel, now
from admin.session.flashes import again_action, flash
from admin.session.sessions import current_session
from admin.stores.late_forms import Button, LateForm, Lateness
from admin.web.redirects import has_page, page_of_form

_WITH_SECRETS = frozenset(
    {"auth", "account", "passkeys"}
)  # blueprints whose forms may hold passwords and codes
_NEVER_KEPT = ("csrf_token", "idempotency_key", "back", "pressed")
_LONGEST_LABEL = 200  # characters


def keep(staff_id: int, lateness: Lateness) -> None:
    """Keeps the form of this request for its sender; its token has proved that one of our pages sent it."""
    if request.method != "POST" or not request.form:  # a page's own script sends no fields
        return
    if has_page() and not may_hold_secrets():
        current_panel().drafts.keep(staff_id, request.path, MultiDict(_kept_fields()), now=now())
    form = LateForm(page_of_form(), lateness, has_page(), None if has_page() else _button())
    current_panel().late_forms.keep(staff_id, request.path, form, now=now())


def may_hold_secrets() -> bool:
    """Tells whether the fields of this form must not be kept."""
    return request.blueprint in _WITH_SECRETS


def _kept_fields() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.form.items(multi=True) if name not in _NEVER_KEPT]


def _button() -> Button | None:
    """Returns the button that was pressed, as its own form names it."""
    label = request.form.get("pressed", "")[:_LONGEST_LABEL]
    if not label or request.endpoint is None:
        return None
    fields = [] if may_hold_secrets() else _kept_fields()
    return Button(label, request.endpoint, dict(request.view_args or {}), fields)


def waiting_labels(page: str) -> list[str]:
    """Returns which buttons of that page wait for a fresh code; "" for one that does not say what it does."""
    forms = current_panel().late_forms.find(
        current_session().staff_id, Lateness.STALE_FACTOR, page=page, now=now()
    )
    return ["" if form.button is None else form.button.label for form in forms]


def tell(lateness: Lateness, *, page: str | None = None) -> str | None:
    """Tells the person signed in of the forms that came too late; returns the page of the latest one.

    With ``page``, only those of that page: others were given up.
    """
    forms = current_panel().late_forms.take(current_session().staff_id, lateness, page=page, now=now())
    for form in forms:
        kind = "warn" if form.has_page else "error"
        flash(kind, _sentence(form), None if form.button is None else again_action(form.button))
    return forms[-1].page if forms else None


def _sentence(form: LateForm) -> str:
    if form.has_page:
        return _of_page(form.lateness)
    return _of_button(form.lateness, None if form.button is None else form.button.label)


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
