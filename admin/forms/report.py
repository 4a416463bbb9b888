"""What the head of a school types to block an access: the code, which access, a few words."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import ValidationError

from admin.forms.base import PanelForm
from admin.forms.rules import bounded, parsed_by, required
from authbridge.login.usernames import Username, parse_username
from authbridge.misuse import commands
from authbridge.misuse.blocking import BlockAnswer, BlockOutcome, BlockRequest

_ONE, _SCHOOL = "one", "school"


class BlockForm(PanelForm):
    """A block by a one-time code; without a CSRF token, for the code is what counts."""

    class Meta(PanelForm.Meta):
        """Wants no cookie."""

        csrf = False

    code = StringField(
        _("Code, from the cover sheet or from the media centre"),
        [required, bounded],
        description=_("Three groups of four letters. Capitals and hyphens do not matter."),
    )
    what = RadioField(
        _("What shall be blocked?"),
        choices=lambda: [
            (_ONE, gettext("one access")),
            (_SCHOOL, gettext("all accesses of my school")),
        ],
        default=_ONE,
    )
    username = StringField(
        _("Login name of the access"),
        [bounded],
        description=_(
            "Only for one access. It stands on the slip or letter and in the hand-out list, such as ohg-kwtx."
        ),
    )
    words = TextAreaField(
        _("What happened?"),
        [parsed_by(commands.parse_description)],
        description=_("In a few words; no names, please."),
    )
    idempotency_key = HiddenField()

    def validate_username(self, field: StringField) -> None:
        """Wants a name for one access, and none for the whole school."""
        is_named = bool((field.data or "").strip())
        if self.what.data == _ONE and not is_named:
            raise ValidationError(
                gettext("Please type the login name, or choose all accesses of your school.")
            )
        if self.what.data == _SCHOOL and is_named:
            raise ValidationError(
                gettext("Please choose: either this one access, or all accesses of your school.")
            )
        if is_named:
            parsed_by(parse_username)(self, field)

    @property
    def asked(self) -> BlockRequest:
        """Returns everything typed, once the form is valid."""
        return BlockRequest(self.code.data or "", self._username, self.words.data or "")

    @property
    def _username(self) -> Username | None:
        return parse_username(self.username.data) if self.what.data == _ONE else None

    def refuse(self, answer: BlockAnswer) -> None:
        """Shows why nothing was blocked."""
        match answer.outcome:
            case BlockOutcome.CODE_REFUSED:
                self._refuse_code(answer.retry_after)
            case BlockOutcome.TOO_MANY_NAMES:
                self.username.errors = [
                    gettext(
                        "Too many login names were tried with this code. Nothing was blocked, and the code is"
                        " still good: choose all accesses of your school, or call us."
                    )
                ]
            case _:
                self.username.errors = [
                    gettext(
                        "No letter of your school has this login name. Nothing was blocked, and the code is"
                        " still good: please compare the name with the letter,"
                        " or choose all accesses of your school."
                    )
                ]

    def _refuse_code(self, retry_after: int | None) -> None:
        sentence = gettext(
            "This code is not accepted. A letter may be mistyped, or the code was used, was withdrawn, or has"
            " expired. Nothing was blocked. Please compare it with the envelope letter by letter."
        )
        self.code.errors = [sentence]
        if retry_after is not None:
            self.error_status = 429
            self.form_errors.append(
                gettext(
                    "Too many wrong codes. Please wait %(seconds)s seconds before you try another one;"
                    " the right one is accepted at once.",
                    seconds=retry_after,
                )
            )
