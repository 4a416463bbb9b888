"""The file that people send."""

from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField, FileRequired

from admin.forms.base import PanelForm


class TableForm(PanelForm):
    """A table as a file."""

    table = FileField(_("The file"), [FileRequired(_("Please choose a file."))])
