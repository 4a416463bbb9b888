"""What a button says it does, signed by the page that shows it.

The panel offers a late form again under these words.  So the page signs them: without a
signature, a holder of a cookie could send any words with any address.
"""

import hashlib
from urllib.parse import unquote, urlsplit

from flask import current_app, request
from itsdangerous import Signer
from markupsafe import Markup

from authbridge.keys import join

_NOT_THE_BUTTONS = frozenset({"csrf_token", "idempotency_key", "back", "pressed", "pressed_signature"})


def sign_label(label: str, url: str, fields: dict[str, object] | list[tuple[str, object]]) -> str:
    """Returns the signature of a button with hidden fields, by name or as pairs, for the form that has it."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    hidden = [(name, str(value)) for name, value in pairs if name not in _NOT_THE_BUTTONS]
    sent = label.unescape() if isinstance(label, Markup) else label  # as the browser reads it
    return _signer().get_signature(_message(sent, unquote(urlsplit(url).path), hidden)).decode()


def signed_label() -> str | None:
    """Returns what the button of this request does; None unless one of our pages has said so of all of it."""
    label, signature = request.form.get("pressed", ""), request.form.get("pressed_signature", "")
    is_ours = _signer().verify_signature(_message(label, request.path, sent_fields()), signature)
    return label if is_ours else None


def sent_fields() -> list[tuple[str, str]]:
    """Returns the fields of this request that say what is to be done."""
    fields = request.form.items(multi=True)
    return [(name, value) for name, value in fields if name not in _NOT_THE_BUTTONS]


def _signer() -> Signer:
    return Signer(current_app.config["SECRET_KEY"], salt="button", digest_method=hashlib.sha256)


def _message(label: str, path: str, fields: list[tuple[str, str]]) -> bytes:
    return join(label, path, *(part for field in sorted(fields) for part in field))
