"""What people type to sign in, to accept an invitation, and to change their password."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import ValidationError

from admin.forms.base import PanelForm
from admin.forms.rules import bounded, required
from authbridge.login.policy import Decision, Verdict

_MINUTE = 60  # seconds
_PASSWORD_HINT = _("At least 12 characters. A sentence is easier to remember than signs and digits.")


def _same_as_first(form: FlaskForm, field: Field) -> None:
    if field.data != form.password.data:
        raise ValidationError(_("The two passwords differ. Please type the same one twice."))


class _SecretForm(PanelForm):
    """A form whose secret the login policy decides about."""

    def refuse(self, decision: Decision, sentence_if_wrong: str) -> None:
        """Shows above the form why the secret was not accepted."""
        match decision.verdict:
            case Verdict.LOCKED:
                self.error_status = 429
                self.form_errors.append(_wait(decision.retry_after or 0))
            case Verdict.UNAVAILABLE:
                self.error_status = 503
                self.form_errors.append(gettext("Too many sign-ins at once. Please try again in a moment."))
            case Verdict.SUSPENDED:
                self.form_errors.append(gettext("This access is suspended. Please ask the management."))
            case _:
                self.form_errors.append(sentence_if_wrong)


def _wait(seconds: int) -> str:
    if seconds < _MINUTE:
        return gettext("Too many failed attempts. Please wait %(seconds)s seconds.", seconds=seconds)
    minutes = -(-seconds // _MINUTE)
    return gettext("Too many failed attempts. Please wait %(minutes)s minutes.", minutes=minutes)


class SignInForm(_SecretForm):
    """Name and password."""

    name = StringField(_("Name"), [required, bounded])
    password = PasswordField(_("Password"), [required, bounded])


class CodeForm(_SecretForm):
    """A code of the authenticator, or a recovery code."""

    code = StringField(_("Code"), [required, bounded])


class InvitationForm(_SecretForm):
    """The name and the one-time code of an invitation."""

    name = StringField(_("Name"), [required, bounded])
    code = StringField(_("One-time code"), [required, bounded])


class EnrolForm(PanelForm):
    """A first password, and a code that proves that the authenticator works."""

    password = PasswordField(_("New password"), [required, bounded], description=_PASSWORD_HINT)
    repeated = PasswordField(_("The same password again"), [required, _same_as_first])
    code = StringField(_("Code that the app shows"), [required, bounded])


class PasswordForm(_SecretForm):
    """The present password and a new one."""

    current = PasswordField(_("Present password"), [required, bounded])
    password = PasswordField(_("New password"), [required, bounded], description=_PASSWORD_HINT)
    repeated = PasswordField(_("The same password again"), [required, _same_as_first])
