"""The credentials that the person signed in may still look at, for the pages that lead back to them."""

from collections.abc import Callable

from admin.panel import current_panel, now
from admin.session.sessions import current_session
from admin.stores.handouts import Handout


def still_shown(is_wanted: Callable[[Handout], bool]) -> Handout | None:
    """Returns the latest that are wanted, None if there are none."""
    shown = current_panel().handouts.shown_to(current_session().id_hash, now=now())
    return next(filter(is_wanted, reversed(shown)), None)
