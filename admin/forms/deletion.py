"""The name, typed again, of something to delete for good."""

from flask_babel import lazy_gettext as _
from wtforms import StringField

from admin.forms.base import PanelForm
from admin.forms.rules import bounded, required


class DeletionForm(PanelForm):
    """Asks for the name, so that nobody deletes by a slip of the mouse."""

    typed = StringField(_("Type the name to confirm"), [required, bounded])

    def require(self, name: str) -> bool:
        """Tells whether that name was typed; if not, the form says so at the field."""
        if self.typed.data.strip().lower() == name:
            return True
        self.typed.errors = [_("That is not the name. Please type: %(name)s", name=name)]
        return False
