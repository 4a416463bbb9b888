"""Credentials that were just made: shown once, printed, taken as a table, and wiped."""

import csv
import io
from contextlib import suppress

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from admin.panel import the_panel
from admin.session import sessions
from admin.session.access import needs
from admin.status.revocation_status import Proof, proof_of
from admin.stores.handouts import Slip, Step
from admin.web.headers import show_once
from admin.web.i18n import day, say
from admin.web.redirects import place_of, see
from admin.web.responses import page, tell
from authbridge.errors import NotFoundError
from authbridge.nodes import effect_of
from authbridge.queries import get_organiser
from authbridge.rights import Right

blueprint = Blueprint("credentials", __name__, url_prefix="/credentials/<slip_id>")

_REFRESH = "1"  # seconds until the page with the progress asks again
_GONE = 410


@blueprint.get("")
@needs(Right.MANAGE)
def show(slip_id: str) -> ResponseReturnValue:
    """How far the work is; then, once, what came of it."""
    slip = _find(slip_id)
    if slip is None:
        return _gone()
    fault = None if slip.fault is None else say(slip.fault)
    if slip.step is Step.READY:
        show_once()
        return page("credentials/show.html", slip=slip, fault=fault, proof=_proof_of(slip))
    answer = make_response(
        page(
            "credentials/progress.html",
            total=slip.total,
            done=slip.done,
            step=slip.step,
            sentence=fault,
            again=_order_of(slip),
        )
    )
    if slip.step is not Step.FAILED:
        answer.headers["Refresh"] = _REFRESH
    return answer


@blueprint.get("/letters.pdf")
@needs(Right.MANAGE)
def pdf(slip_id: str) -> ResponseReturnValue:
    """The letters; shown by the browser, so that no copy stays in a folder unless somebody wants one."""
    slip = _find_ready(slip_id)
    if slip is None:
        return _gone()
    if slip.pdf is None:
        abort(404)
    return _file(slip.pdf, "application/pdf", f"inline; filename={slip.school_code}-{slip.print_job}.pdf")


@blueprint.get("/table.csv")
@needs(Right.MANAGE)
def table(slip_id: str) -> ResponseReturnValue:
    """The same as a table, as German and English spreadsheets open it."""
    slip = _find_ready(slip_id)
    if slip is None:
        return _gone()
    text = _as_csv(slip).encode("utf-8-sig")
    return _file(
        text, "text/csv; charset=utf-8", f"attachment; filename={slip.school_code}-{slip.print_job}.csv"
    )


@blueprint.post("/done")
@needs(Right.MANAGE)
def done(slip_id: str) -> ResponseReturnValue:
    """Wipes them."""
    slip = _find(slip_id)
    the_panel().slips.wipe(slip_id, sessions.the_visit().id_hash)
    tell("done", _("Done. The passwords are wiped and can no longer be seen."))
    return see("overview.index") if slip is None else see("schools.show", code=slip.school_code)


def _proof_of(slip: Slip) -> Proof | None:
    """Who is logged out by a new password; None where only new organisers were issued, or he is deleted."""
    if slip.username is None:
        return None
    with suppress(NotFoundError), the_panel().database.reading() as session:
        organiser = get_organiser(session, slip.username)
        return proof_of(organiser, effect_of(session, organiser, now=sessions.now()))
    return None


def _order_of(slip: Slip) -> str:
    """Where it was ordered, to try once more."""
    if slip.username is None:
        return place_of("organisers.issue", code=slip.school_code)
    return place_of("organisers.reset", username=slip.username)


def _find(slip_id: str) -> Slip | None:
    return the_panel().slips.find(slip_id, sessions.the_visit().id_hash, now=sessions.now())


def _find_ready(slip_id: str) -> Slip | None:
    slip = _find(slip_id)
    return slip if slip is not None and slip.step is Step.READY else None


def _gone() -> ResponseReturnValue:
    return make_response(page("credentials/gone.html"), _GONE)


def _file(content: bytes, kind: str, disposition: str) -> Response:
    answer: Response = make_response(content)
    answer.headers["Content-Type"] = kind
    answer.headers["Content-Disposition"] = disposition
    return answer


def _as_csv(slip: Slip) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([_("School"), _("Login name"), _("Password"), _("Valid until")])
    for credential in slip.credentials:
        until = "" if slip.valid_until is None else day(slip.valid_until)
        writer.writerow(map(_guarded, [slip.school_name, credential.username, credential.password, until]))
    return text.getvalue()


def _guarded(cell: str) -> str:
    # A spreadsheet would run "=…" as a formula (OWASP: CSV Injection).
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
