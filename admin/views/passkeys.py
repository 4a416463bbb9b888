"""One's own passkeys: add one, remove one.  Both want a fresh second factor."""

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from admin.forms.base import PanelForm
from admin.forms.passkeys import PasskeyForm
from admin.session import passkeys
from admin.session.access import needs
from admin.session.commands import run_command
from admin.session.flashes import flash
from admin.session.sessions import current_session
from admin.web.query_params import parse_number
from admin.web.redirects import redirect_to
from admin.web.responses import form_page
from authbridge.staff import passkey_commands
from authbridge.staff.permissions import Permission

blueprint = Blueprint("passkeys", __name__, url_prefix="/account/passkeys")


@blueprint.route("/add", methods=["GET", "POST"])
@needs(Permission.READ, fresh=True)
def add() -> ResponseReturnValue:
    """Adds a passkey that the browser makes."""
    if passkeys.site() is None:
        abort(404)
    form = PasskeyForm()
    if form.validate_on_submit() and _is_added(form):
        flash("done", _("The passkey is added. From now on you may use it instead of a code."))
        return redirect_to("account.show")
    return form_page("account/passkey.html", form, options=passkeys.registration_options())


def _is_added(form: PasskeyForm) -> bool:
    with form.show_errors():
        passkey = passkeys.made(form.label.data)
        if passkey is None:
            form.form_errors.append(_("That took too long. Please try again."))
            return False
        run_command(passkey_commands.add_passkey, current_session(), passkey)
        return True
    return False


@blueprint.post("/<passkey_id>/remove")
@needs(Permission.READ, fresh=True)
def remove(passkey_id: str) -> ResponseReturnValue:
    """Removes a passkey: it opens nothing from now on."""
    form = PanelForm(formdata=None)
    with form.show_errors():
        if run_command(passkey_commands.remove_passkey, current_session(), parse_number(passkey_id)):
            flash("done", _("The passkey is removed. It opens nothing any more."))
        else:
            flash("warn", _("This passkey was removed already."))
    for sentence in form.form_errors:
        flash("error", sentence)
    return redirect_to("account.show")
