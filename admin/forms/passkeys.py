"""How the owner of a passkey calls it."""

from flask_babel import lazy_gettext as _
from wtforms import StringField

from admin.forms.base import PanelForm
from admin.forms.rules import parsed_by, required
from authbridge.staff.passkeys import parse_label


class PasskeyForm(PanelForm):
    """The name of a new passkey; the passkey itself comes from the browser."""

    label = StringField(
        _("Name of the passkey"),
        [required, parsed_by(parse_label)],
        description=_("So that you know it again, for instance “Key on my ring” or “Office computer”."),
    )
