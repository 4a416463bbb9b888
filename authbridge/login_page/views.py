"""The pages: the form and the way back to the meeting, and forgetting what Jitsi remembers on this device."""

from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from authbridge.config import PageConfig
from authbridge.jitsi import refusal
from authbridge.login.networks import IPAddress, parse_address
from authbridge.login.policy import Verdict
from authbridge.login_page.asking import AuthService, LoginAnswer, TypedLogin
from authbridge.login_page.error_pages import show_message
from authbridge.login_page.languages import in_so_long, language
from authbridge.login_page.meeting_state import (
    AppSchemes,
    Client,
    MeetingState,
    UnusableStateError,
    app_link,
    meeting_address,
    parse_state,
)
from authbridge.login_page.operator_texts import read_operator_logo, read_operator_texts

_NOT_ACCEPTED = HTTPStatus.UNPROCESSABLE_ENTITY
"""The status of a form that comes back.  With 401 a password manager may drop the right password that it has;
of a 5xx some proxies make a page of their own."""


@dataclass(slots=True)
class _Form:
    """The form as it is shown: what was typed but the password, and what is wrong with it."""

    username: str = ""
    shared: bool = False
    errors: dict[str, str] = field(default_factory=dict)  # by the name of the field
    refusal: str | None = None
    focus: str = "username"  # the id of what is to be typed, or read, next


def install(app: Flask, config: PageConfig, service: AuthService, *, prefix: str) -> None:
    """Adds the pages below that prefix."""
    pages = _Pages(config, service)
    blueprint = Blueprint("login_page", __name__, url_prefix=prefix)
    blueprint.add_url_rule("/auth", "log_in", pages.log_in, methods=["GET", "POST"])
    blueprint.add_url_rule("/logout", "forget", pages.forget, methods=["GET", "POST"])
    blueprint.add_url_rule("/logo", "logo", pages.logo)
    blueprint.add_url_rule("/healthz", "healthz", _healthz)
    app.register_blueprint(blueprint)
    app.context_processor(pages.context)


class _Pages:
    def __init__(self, config: PageConfig, service: AuthService) -> None:
        self._config = config
        self._service = service
        self._schemes = AppSchemes(config.mobile_scheme, config.desktop_scheme)

    def context(self) -> dict[str, object]:
        """Returns what every page shows."""
        folder = self._config.letter_dir
        return {
            "language": language(),
            "operator": read_operator_texts(folder, language()),
            "has_logo": read_operator_logo(folder) is not None,
            "meet_url": self._config.meet_url,
            "address_in": _address_in,
        }

    def log_in(self) -> ResponseReturnValue:
        """Asks for name and password, and leads back to the meeting with a token."""
        try:
            state = parse_state(request.args.get("state", ""))
        except UnusableStateError:
            return show_message(
                _("Please open the meeting again"),
                _("This address leads to no meeting. Please open the meeting from its own address, and choose"
                  " there once more that you lead it."),
                HTTPStatus.BAD_REQUEST,
            )  # fmt: skip
        if request.method != "POST":
            return self._show_form(state, _Form())
        self._require_own_page()
        form = _typed_form()
        if form.errors:
            return self._show_form(state, form), _NOT_ACCEPTED
        answer = self._service.authenticate(_typed_login(form))
        if answer.token is not None:
            return self._lead_back(state, answer.token)
        form.refusal = _refusal(answer)
        form.focus = "password" if answer.verdict is Verdict.REFUSED else "refusal"
        return self._show_form(state, form), _NOT_ACCEPTED

    def forget(self) -> ResponseReturnValue:
        """Lets the browser forget what Jitsi's page has stored in it: the login, and its settings.

        Only a press of the button does it, and no link, picture or form of another site.  The cookies stay:
        the header would delete those of all hosts of the domain, such as the school's learning platform.
        """
        if request.method != "POST":
            return render_template("forget.html", is_done=False)
        self._require_own_page()
        answer = make_response(render_template("forget.html", is_done=True))
        answer.headers["Clear-Site-Data"] = '"storage"'
        return answer

    def logo(self) -> ResponseReturnValue:
        """Sends the operator's logo."""
        logo = read_operator_logo(self._config.letter_dir)
        if logo is None:
            abort(HTTPStatus.NOT_FOUND)
        answer = Response(logo.content, mimetype=logo.media_type)
        answer.headers["Cache-Control"] = "public, max-age=300"  # seconds
        return answer

    def _show_form(self, state: MeetingState, form: _Form) -> str:
        guest_address = meeting_address(self._config.meet_url, state)
        return render_template(
            "form.html",
            form=form,
            state=state,
            guest_address=guest_address if state.client is Client.BROWSER else None,
        )

    def _lead_back(self, state: MeetingState, token: str) -> ResponseReturnValue:
        """Leads into the meeting; into an app only by a press, for its browser forbids anything else."""
        if state.client is not Client.BROWSER:
            link = app_link(self._config.meet_url, state, token, self._schemes)
            return render_template("app.html", state=state, link=link)
        # Without a body: Flask's own would repeat the address, and the token with it.
        answer = Response(status=HTTPStatus.SEE_OTHER)
        answer.headers["Location"] = meeting_address(self._config.meet_url, state, token)
        return answer

    def _require_own_page(self) -> None:
        """Refuses forms of other sites; the browser itself says where a request comes from (Fetch Metadata).

        That is all that can be known without a cookie: a hidden field, signed or not, could be fetched by
        whoever forges the form.  Browsers older than 2023 send only an Origin, "null" from our own form.
        """
        site = request.headers.get("Sec-Fetch-Site")
        if site is None:
            is_own = request.headers.get("Origin", "null") in {"null", self._config.meet_url}
        else:
            is_own = site in {"same-origin", "none"}
        if not is_own:
            abort(HTTPStatus.BAD_REQUEST)


def _typed_form() -> _Form:
    form = _Form(
        username=request.form.get("username", "").strip(),
        shared=request.form.get("shared") is not None,
    )
    if not form.username:
        form.errors["username"] = _("Please enter the login name from your letter.")
    if not request.form.get("password"):
        form.errors["password"] = _("Please enter the password from your letter.")
    form.focus = next(iter(form.errors), form.focus)
    return form


def _typed_login(form: _Form) -> TypedLogin:
    return TypedLogin(
        username=form.username,
        password=request.form["password"],
        shared=form.shared,
        ip=_sender(),
        user_agent=request.headers.get("User-Agent"),
    )


def _sender() -> IPAddress | None:
    """Returns the address that nginx has put into the header in the place of whatever came; else None.

    Several addresses mean that something else wrote into it; then it is unknown, which earns no trust.
    """
    return parse_address(request.headers.get("X-Forwarded-For"))


def _refusal(answer: LoginAnswer) -> str:
    if answer.verdict is Verdict.LOCKED and answer.retry_after is not None:
        sentence: str = _(
            "A wrong password was entered too often with this name, or from here. Please try again %(when)s.",
            when=in_so_long(answer.retry_after),
        )
        return sentence
    return refusal(answer.verdict, language())


def _address_in(wanted: str) -> str | None:
    """Returns the address of this page in that language, with its state; None where there is no page."""
    if request.endpoint not in {"login_page.log_in", "login_page.forget"}:
        return None
    address: str = url_for(request.endpoint, language=wanted, state=request.args.get("state"))
    return address


def _healthz() -> ResponseReturnValue:
    return {"status": "ok"}
