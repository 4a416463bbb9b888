"""Which organisers the address of a page asks for: of a school, of a print job, by text, by filter."""

from flask import request

from admin.panel import current_panel, now
from admin.web.query_params import asked_choice, asked_text
from authbridge.login.lockouts import list_lockouts
from authbridge.schools.organiser_filters import OrganiserFilter, OrganiserQuery
from authbridge.schools.search_text import without_domain

_LONGEST_CODE = 16  # characters


def asked_query() -> OrganiserQuery:
    """Returns what is asked for; who waits is looked up only where it matters."""
    show = asked_choice("state", OrganiserFilter)
    waiting = _waiting() if show is OrganiserFilter.WAITING else frozenset()
    text = without_domain(asked_text(), current_panel().config.xmpp_host)
    return OrganiserQuery(_asked_code("school"), _asked_code("job"), text, show, waiting)


def as_parameters(asked: OrganiserQuery) -> dict[str, str]:
    """Returns the parameters of an address that asks for the same; empty ones are left out."""
    found = {"school": asked.code, "job": asked.print_job, "q": asked.text, "state": asked.show or ""}
    return {name: str(value) for name, value in found.items() if value}


def _asked_code(name: str) -> str:
    code = request.args.get(name, "")[:_LONGEST_CODE].strip()
    return code if code.isascii() and code.isprintable() else ""


def _waiting() -> frozenset[str]:
    panel = current_panel()
    with panel.database.read_session() as session:
        found = list_lockouts(session, panel.keyed_hashes, now=now(), limits=panel.limits)
    return frozenset(each.username for each in found if each.username is not None and not each.at_panel)
