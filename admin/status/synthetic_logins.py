"""Does a login through the meeting server work right now? The latest synthetic logins, in sentences."""

from collections.abc import Iterator, Sequence

from flask_babel import gettext as _

from admin.panel import now
from admin.status.health_row import HealthRow
from admin.web.i18n import moment
from authbridge.synthetic_login.outcomes import SENTENCES
from authbridge.synthetic_login.records import MachineState


def synthetic_login_rows(states: Sequence[MachineState]) -> Iterator[HealthRow]:
    """Yields a row for each machine that tries logins; none where none does."""
    for state in states:
        title = _("Synthetic login")
        if len(states) > 1:
            title = _("Synthetic login of %(machine)s", machine=state.machine)
        yield _row(title, state)


def _row(title: str, state: MachineState) -> HealthRow:
    at = moment(state.at)
    if state.is_overdue(now()):
        sentence = _("The last one was on %(moment)s: whether logins work is not known.", moment=at)
        return HealthRow(title, "warn", sentence)
    if state.failing_since is None:
        sentence = _("A synthetic login succeeded last on %(moment)s.", moment=at)
        return HealthRow(title, "ok", sentence, is_told_when_well=True)
    outcome = str(_(SENTENCES[state.result.outcome].sentence))
    if not state.is_failing:
        sentence = _("It failed on %(moment)s, once so far: %(outcome)s", moment=at, outcome=outcome)
        return HealthRow(title, "warn", sentence)
    sentence = _(
        "It has failed since %(moment)s: %(outcome)s Please call the technician.",
        moment=moment(state.failing_since),
        outcome=outcome,
    )
    return HealthRow(title, "bad", sentence)
