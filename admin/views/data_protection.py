"""The record of processing for the data-protection officer, and what is kept about one account."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, abort, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from admin.panel import current_panel, now, today
from admin.session.access import may, needs
from admin.session.commands import run_command
from admin.status import data_protection_words as words
from admin.status.server_checks import cards
from admin.status.spans import capital
from admin.web.i18n import language
from admin.web.responses import page
from authbridge import __version__, deletion_records
from authbridge.data_protection.account_access import READ_BEFORE, AccountAccess, AccountData, as_document
from authbridge.data_protection.commands import give_account_data
from authbridge.data_protection.inventory import INVENTORY, description_of
from authbridge.data_protection.live import record_state
from authbridge.letters import Language, Statement, read_operator_name, read_statement
from authbridge.staff.permissions import Permission

blueprint = Blueprint("data_protection", __name__, url_prefix="/data-protection")


@dataclass(frozen=True, slots=True)
class _Section:
    """The rows of one table as people read them: under each label the values, in the order of the labels."""

    name: str
    title: str
    purpose: str
    labels: list[str]
    rows: list[list[str]]


@blueprint.get("")
@needs(Permission.READ)
def show() -> ResponseReturnValue:
    """Shows the record of processing, made of the tables, the settings and the operator's words."""
    panel = current_panel()
    with panel.database.read_session() as session:
        state = record_state(session, panel.config, now=now())
    heading, basis = _legal_basis()
    return page(
        "data_protection/show.html",
        state=state,
        config=panel.config,
        operator=_operator(),
        made_at=now(),
        version=__version__,
        heading=heading,
        basis=basis,
        words=words,
        settings=words.settings_in_words(is_sqlite=panel.database.is_sqlite),
    )


@blueprint.get("/deletions/<day>")
@needs(Permission.READ)
def deletion(day: str) -> ResponseReturnValue:
    """Shows what was left after the deletion of one night."""
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        abort(404)
    with current_panel().database.read_session() as session:
        record = deletion_records.of_day(session, wanted)
    if record is None:
        abort(404)
    return page(
        "data_protection/deletion.html",
        record=record,
        titles={each.table.name: each.title for each in INVENTORY},
        servers=[(log, cards(log.findings)) for log in record.logs],
        operator=_operator(),
    )


@blueprint.get("/accounts/<username>")
@needs(Permission.READ)
def account(username: str) -> ResponseReturnValue:
    """Shows everything that is kept about an account, for its holder; noted in the audit."""
    data = _account_data(username)
    heading, basis = _legal_basis()
    return page(
        "data_protection/account.html",
        data=data,
        sections=list(_sections(data)),
        operator=_operator(),
        read_before=READ_BEFORE,
        heading=heading,
        basis=basis,
    )


@blueprint.get("/accounts/<username>.json")
@needs(Permission.READ)
def account_file(username: str) -> ResponseReturnValue:
    """Sends the same as a file for programs."""
    data = _account_data(username)
    answer = make_response(json.dumps(as_document(data, _), ensure_ascii=False, indent=2))
    answer.headers["Content-Type"] = "application/json; charset=utf-8"
    answer.headers["Content-Disposition"] = f"attachment; filename={data.username}-{today().isoformat()}.json"
    return answer


def _legal_basis() -> tuple[str, Markup]:
    folder = current_panel().config.letter_dir
    return read_statement(folder, Statement.LEGAL_BASIS, Language(language()), rank=2)


def _operator() -> str:
    return read_operator_name(current_panel().config.letter_dir, Language(language()))


def _account_data(username: str) -> AccountData:
    panel = current_panel()
    access = AccountAccess(panel.config, panel.keyed_hashes, addresses=may(Permission.INSPECT))
    return run_command(give_account_data, username, access)


def _sections(data: AccountData) -> Iterator[_Section]:
    for model, rows in data.sections.items():
        described = description_of(model)
        shown = [name for name in (rows[0] if rows else ()) if not described.columns[name].is_internal]
        yield _Section(
            described.table.name,
            _(described.title),
            _(described.purpose),
            [capital(_(described.columns[name].words)) for name in shown],
            [[words.value_in_words(name, row) for name in shown] for row in rows],
        )
