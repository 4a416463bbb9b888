"""One click to suspend, one to undo it: the same for organisers and schools."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from admin import effects, visits
from admin.forms import DescribeForm, carry_out
from admin.pages import deed, tell
from admin.panel import the_panel
from admin.places import location_of, place_asked_from, see, see_again
from authbridge.schools import suspendable
from authbridge.schools.commands import suspensions
from authbridge.schools.suspendable import SuspendableKind

_Command = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be suspended: its views and their argument, its sentences."""

    suspendable: SuspendableKind
    views: str
    argument: str
    suspended: Any
    suspended_before: Any
    reinstated: Any
    not_suspended: Any


ORGANISER = Kind(
    suspendable=suspendable.ORGANISER,
    views="organisers",
    argument="username",
    suspended=_l("%(name)s is suspended."),
    suspended_before=_l("%(name)s was suspended already."),
    reinstated=_l("The suspension of %(name)s is lifted."),
    not_suspended=_l("%(name)s was not suspended."),
)
SCHOOL = Kind(
    suspendable=suspendable.SCHOOL,
    views="schools",
    argument="code",
    suspended=_l("The school %(name)s is suspended."),
    suspended_before=_l("The school %(name)s was suspended already."),
    reinstated=_l("The suspension of the school %(name)s is lifted."),
    not_suspended=_l("The school %(name)s was not suspended."),
)


def suspend(kind: Kind, name: str) -> ResponseReturnValue:
    """Done at once, with the way back in the notice."""
    if _change(suspensions.suspend, kind, name, reason=None):
        undo = deed(_("Undo"), f"{kind.views}.reinstate", **{kind.argument: name})
        tell("done", " ".join(_what_was_done(kind, name)), undo)
    else:
        tell("warn", kind.suspended_before % {"name": name})
    return see_again(f"{kind.views}.show", **{kind.argument: name})


def _what_was_done(kind: Kind, name: str) -> Iterator[str]:
    """That it is suspended; and what that ended, where the next page is not the one that shows it."""
    yield kind.suspended % {"name": name}
    effect = effects.await_nodes(lambda session: kind.suspendable.find(session, name))
    own_page = location_of(f"{kind.views}.show", **{kind.argument: name})
    if effect is not None and place_asked_from() not in {None, own_page}:
        yield effects.effect_in_words(effect)


def reinstate(kind: Kind, name: str) -> ResponseReturnValue:
    """Access is back; a meeting that was ended is not."""
    if _change(suspensions.reinstate, kind, name):
        tell("done", kind.reinstated % {"name": name})
    else:
        tell("warn", kind.not_suspended % {"name": name})
    return see_again(f"{kind.views}.show", **{kind.argument: name})


def describe(kind: Kind, name: str, form: DescribeForm) -> ResponseReturnValue | None:
    """Adds to the suspension that is on why, and who asked for it; None where the form has faults."""
    if not form.validate() or carry_out(
        form, lambda: _change(suspensions.describe, kind, name, form.description)
    ):
        return None
    tell("done", _("Noted."))
    return see(f"{kind.views}.show", **{kind.argument: name})


def _change(command: _Command, kind: Kind, name: str, *values: object, **named: object) -> bool:
    now = visits.now()
    with the_panel().database.write_session() as session:
        return command(session, kind.suspendable, name, *values, actor=visits.the_actor(), now=now, **named)
