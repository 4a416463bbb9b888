"""Forms that came after the session or the fresh code had run out, so that their senders are told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from authbridge.expiring_store import ExpiringStore

_LIFETIME = timedelta(minutes=30)  # as long as a draft
_MAX_FORMS = 200  # of some kilobytes each


class Lateness(StrEnum):
    """What had run out."""

    SIGNED_OUT = "signed-out"
    STALE_FACTOR = "stale-factor"


@dataclass(frozen=True, slots=True)
class Button:
    """What its sender needs to press it again; ``fields`` hold no password, code or token."""

    label: str
    endpoint: str
    values: dict[str, str]
    fields: list[tuple[str, str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LateForm:
    """A form that was not carried out; ``page`` is the path of the page on which it stands.

    ``button`` is None for a form with a page of its own, and for one that does not say what it does.
    """

    page: str
    lateness: Lateness
    has_page: bool
    button: Button | None


class LateForms:
    """The late forms of this process, by the id of their sender's row and their address."""

    def __init__(self) -> None:
        self._forms = ExpiringStore[tuple[int, str], LateForm](_LIFETIME, _MAX_FORMS)

    def keep(self, staff_id: int, address: str, form: LateForm, *, now: datetime) -> None:
        """Keeps the form, in place of an earlier one to the same address."""
        self._forms.put((staff_id, address), form, now=now)

    def find(
        self, staff_id: int, lateness: Lateness, *, page: str | None = None, now: datetime
    ) -> list[LateForm]:
        """Returns that person's forms, oldest first; with ``page`` only those of that page."""
        forms = self._forms.items(now=now)
        return [form for key, form in forms if key[0] == staff_id and _is_meant(form, lateness, page)]

    def take(
        self, staff_id: int, lateness: Lateness, *, page: str | None = None, now: datetime
    ) -> list[LateForm]:
        """Returns the same, and forgets them."""
        keys = [key for key, _form in self._forms.items(now=now) if key[0] == staff_id]
        taken = [self._forms.take(key, lambda form: _is_meant(form, lateness, page), now=now) for key in keys]
        return [form for form in taken if form is not None]


def _is_meant(form: LateForm, lateness: Lateness, page: str | None) -> bool:
    return form.lateness is lateness and page in {None, form.page}
