"""What people type, field by field; each says in a sentence what is wrong with it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from flask import g, request
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from admin import visits
from admin.fields import DayField, NumberField
from admin.panel import the_panel
from admin.words import say
from authbridge.errors import AuthBridgeError, InputError, StorageError
from authbridge.login import usernames
from authbridge.login.staff_names import parse_staff_name
from authbridge.schools.commands import schools, suspensions
from authbridge.schools.commands.organisers import MAX_ISSUED
from authbridge.schools.history import SuspensionRow
from authbridge.storage.models import Reporter, Role, SuspensionReason

_Form = TypeVar("_Form", bound=FlaskForm)
_LONGEST_SECRET = 256  # characters; longer ones are not even looked at
_LONGEST_DEADLINE = date(2099, 12, 31)

_needed = InputRequired(_("Please fill this in."))
_bounded = Length(max=_LONGEST_SECRET, message=_("That is too long."))


def parsed_by(parse: Callable[[Any], object]) -> Callable[[FlaskForm, Field], None]:
    """The rule that a field holds what ``parse`` accepts, with the domain's own sentence."""

    def hold(_form: FlaskForm, field: Field) -> None:
        # A field that was not even sent has no text, where an empty one has "".
        typed = "" if field.data is None and isinstance(field, StringField) else field.data
        try:
            parse(typed)
        except InputError as error:
            raise ValidationError(say(error)) from None

    return hold


class SignInForm(FlaskForm):
    """Name and password."""

    name = StringField(_("Name"), [_needed, _bounded])
    password = PasswordField(_("Password"), [_needed, _bounded])


class CodeForm(FlaskForm):
    """A code of the authenticator, or a recovery code."""

    code = StringField(_("Code"), [_needed, _bounded])


class InvitationForm(FlaskForm):
    """The name and the one-time code of an invitation."""

    name = StringField(_("Name"), [_needed, _bounded])
    code = StringField(_("One-time code"), [_needed, _bounded])


def _as_first(form: FlaskForm, field: Field) -> None:
    if field.data != form.password.data:
        raise ValidationError(_("The two passwords differ. Please type the same one twice."))


_HOW_LONG = _("At least 12 characters. A sentence is easier to remember than signs and digits.")


class EnrolForm(FlaskForm):
    """A first password, and the proof that the authenticator works."""

    password = PasswordField(_("New password"), [_needed, _bounded], description=_HOW_LONG)
    repeated = PasswordField(_("The same password again"), [_needed, _as_first])
    code = StringField(_("Code that the app shows"), [_needed, _bounded])


class PasswordForm(FlaskForm):
    """Another password."""

    current = PasswordField(_("Present password"), [_needed, _bounded])
    password = PasswordField(_("New password"), [_needed, _bounded], description=_HOW_LONG)
    repeated = PasswordField(_("The same password again"), [_needed, _as_first])


def _lines(text: str | None) -> list[str]:
    return [line for line in (text or "").splitlines() if line.strip()]


class NewSchoolForm(FlaskForm):
    """A school that is added; its code is never changed."""

    code = StringField(
        _("Short code"),
        [_needed, parsed_by(usernames.parse_school_code)],
        description=_("2 to 6 letters or digits. Login names begin with it, and it never changes."),
    )
    name = StringField(_("Name"), [_needed, parsed_by(schools.parse_name)])
    street = StringField(_("Street and number"), [parsed_by(schools.parse_street)])
    place = StringField(
        _("Postcode and town"),
        [parsed_by(schools.parse_place)],
        description=_("Name, street and town appear in the window of the envelope."),
    )
    mailbox = StringField(
        _("Mailbox of the school"),
        [parsed_by(schools.parse_mailbox)],
        description=_("An address of the school or its office, not of a person."),
    )
    contract_on = DayField(_("Date of the processing contract"), [Optional()])
    trusted_networks = TextAreaField(
        _("Networks of the school"),
        [parsed_by(lambda text: schools.parse_networks(_lines(text)))],
        description=_(
            "One a line, such as 198.51.100.7 or 2001:db8:12::/48. Typing errors from there count less."
        ),
    )
    quota = NumberField(
        _("Most accounts"),
        [_needed, NumberRange(0, schools.MOST_ACCOUNTS, _("Please give a number from 0 to 5000."))],
        default=50,
    )
    revision = HiddenField()

    def validate_contract_on(self, field: Field) -> None:
        """Not in the far future."""
        parsed_by(lambda day: schools.parse_contract_day(day, today=visits.today()))(self, field)

    @property
    def details(self) -> schools.SchoolDetails:
        """What was typed besides the name, for the commands."""
        return {
            "street": self.street.data or "",
            "place": self.place.data or "",
            "mailbox": self.mailbox.data or "",
            "contract_on": self.contract_on.data,
            "trusted_networks": _lines(self.trusted_networks.data),
            "quota": self.quota.data or 0,
        }


class SchoolForm(NewSchoolForm):
    """A school as it is edited."""

    code = None


def _languages() -> list[tuple[str, Any]]:
    return [("de", _("German")), ("en", _("English"))]


def _not_past(_form: FlaskForm, field: Field) -> None:
    if field.data is not None and not visits.today() <= field.data <= _LONGEST_DEADLINE:
        raise ValidationError(_("Please choose a day from today on."))


class IssueForm(FlaskForm):
    """How many new organisers."""

    count = NumberField(
        _("How many"),
        [_needed, NumberRange(1, MAX_ISSUED, _("Please give a number from 1 to 200."))],
        default=1,
    )
    valid_until = DayField(
        _("Valid until"),
        [Optional(), _not_past],
        description=_("The last day on which they can log in."),
    )
    language = RadioField(_("Language of the letters"), choices=_languages, default="de")


class ResetForm(FlaskForm):
    """In which language the new letter is."""

    language = RadioField(_("Language of the letter"), choices=_languages, default="de")


class ValidityForm(FlaskForm):
    """The last day of validity."""

    valid_until = DayField(
        _("Valid until"),
        [Optional()],
        description=_("The last day on which this organiser can log in. A past day ends the access at once."),
    )

    def validate_valid_until(self, field: Field) -> None:
        """A day that can be meant."""
        if field.data is not None and not date(2000, 1, 1) <= field.data <= _LONGEST_DEADLINE:
            raise ValidationError(_("Please check the year."))


class TypedForm(FlaskForm):
    """The name, typed again, of what is to be deleted."""

    typed = StringField(_("Type the name to confirm"), [_needed, _bounded])

    def require(self, name: str) -> bool:
        """Whether it is that name; else the field says so."""
        if self.typed.data.strip().lower() == name:
            return True
        self.typed.errors = [_("That is not the name. Please type: %(name)s", name=name)]
        return False


class DescribeForm(FlaskForm):
    """Why, and who asked for it: all of it may stay empty."""

    reason = SelectField(
        _("Reason"),
        choices=lambda: [
            ("", _("not said yet")),
            (SuspensionReason.MISUSE.value, _("misuse")),
            (SuspensionReason.LETTER_LOST.value, _("letter lost")),
            (SuspensionReason.LEFT_SCHOOL.value, _("left the school")),
            (SuspensionReason.OTHER.value, _("another reason")),
        ],
    )
    reported_by = SelectField(
        _("Reported by"),
        choices=lambda: [
            ("", _("not said yet")),
            (Reporter.SCHOOL_HEAD.value, _("head of the school")),
            (Reporter.ORGANISER.value, _("organiser")),
            (Reporter.MEDIA_CENTRE.value, _("media centre")),
            (Reporter.OTHER.value, _("somebody else")),
        ],
    )
    note = StringField(_("Note"), [parsed_by(suspensions.parse_note)], description=_("No names, please."))

    @classmethod
    def of(cls, history: Sequence[SuspensionRow]) -> "DescribeForm | None":
        """For the suspension that is on, filled with what is known of it; None if there is none."""
        if not history or history[0].until is not None:
            return None
        known = history[0]
        return cls(
            formdata=None,
            data={
                "reason": known.reason or "",
                "reported_by": known.reported_by or "",
                "note": known.note or "",
            },
        )

    @property
    def description(self) -> suspensions.SuspensionDescription:
        """What was typed, for the command."""
        return suspensions.SuspensionDescription(
            reason=SuspensionReason(self.reason.data) if self.reason.data else None,
            reported_by=Reporter(self.reported_by.data) if self.reported_by.data else None,
            note=suspensions.parse_note(self.note.data or ""),
        )


def _roles() -> list[tuple[str, Any]]:
    return [
        (Role.CLERK.value, _("Administration: schools, organisers, letters, suspensions")),
        (Role.AUDITOR.value, _("Read only: sees everything but secrets, changes nothing")),
        (Role.ADMIN.value, _("Management: everything, staff too")),
    ]


class RoleForm(FlaskForm):
    """What a member of staff may do."""

    role = RadioField(_("Role"), [_needed], choices=_roles)


class NewStaffForm(FlaskForm):
    """Somebody who is invited."""

    name = StringField(
        _("Name to sign in with"),
        [_needed, parsed_by(parse_staff_name)],
        description=_("2 to 32 small letters, digits and . _ - ; it appears in the log of changes."),
    )
    role = RadioField(_("Role"), [_needed], choices=_roles, default=Role.CLERK.value)


def form_of(form: type[_Form], **defaults: object) -> _Form:
    """The form as it was sent; else as it is first shown, or as its writer left it when the session ended."""
    if request.method == "POST":
        return form()
    draft = the_panel().drafts.take(visits.the_visit().staff_id, request.path, now=visits.now())
    g.is_draft = draft is not None
    return form(formdata=draft, data=defaults)


def carry_out(
    form: FlaskForm, deed: Callable[[], object], *, faults: Mapping[Any, str] | None = None
) -> AuthBridgeError | None:
    """Does it; what goes wrong is said in the form, and nothing that was typed is lost.

    ``faults`` names the field to which a kind of error belongs; any other stands above the form.
    """
    try:
        deed()
    except AuthBridgeError as error:
        g.status = 503 if isinstance(error, StorageError) else 422
        name = next((name for kind, name in (faults or {}).items() if isinstance(error, kind)), None)
        if name is None:
            form.form_errors.append(say(error))
        else:
            form[name].errors = [*form[name].errors, say(error)]
        return error
    return None
