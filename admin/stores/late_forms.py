"""Forms that came after the session or the fresh code had run out, so that the panel can answer them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from authbridge.expiring_store import ExpiringStore

_LIFETIME = timedelta(minutes=30)  # as long as a draft
_MOST_OF_ONE = 20  # forms of some kilobytes each


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

    ``is_form``: it has fields to type into, else it is a button.  ``label`` says what the button does, None
    where no page of ours has signed it; ``button`` is None for what is not offered again.
    """

    page: str
    lateness: Lateness
    is_form: bool
    label: str | None
    button: Button | None


class LateForms:
    """The late forms of this process, by the name of their sender and their address."""

    def __init__(self) -> None:
        self._forms = ExpiringStore[tuple[str, str], LateForm](_LIFETIME)

    def keep(self, sender: str, address: str, form: LateForm, *, now: datetime) -> None:
        """Keeps the form, in place of an earlier one to the same address, or of the sender's oldest."""
        others = [key for key in self._keys_of(sender, now) if key[1] != address]
        for key in others[: len(others) + 1 - _MOST_OF_ONE]:
            self._forms.take(key, now=now)
        self._forms.put((sender, address), form, now=now)

    def sweep(self, *, now: datetime) -> None:
        """Removes what has ended."""
        self._forms.sweep(now=now)

    def find(
        self, sender: str, lateness: Lateness, *, page: str | None = None, now: datetime
    ) -> list[LateForm]:
        """Returns that person's forms, oldest first; with ``page`` only those of that page."""
        forms = self._forms.items(now=now)
        return [form for key, form in forms if key[0] == sender and _is_meant(form, lateness, page)]

    def take(
        self, sender: str, lateness: Lateness, *, page: str | None = None, now: datetime
    ) -> list[LateForm]:
        """Returns the same, and forgets them."""
        keys = self._keys_of(sender, now)
        taken = [self._forms.take(key, lambda form: _is_meant(form, lateness, page), now=now) for key in keys]
        return [form for form in taken if form is not None]

    def _keys_of(self, sender: str, now: datetime) -> list[tuple[str, str]]:
        return [key for key, _form in self._forms.items(now=now) if key[0] == sender]


def _is_meant(form: LateForm, lateness: Lateness, page: str | None) -> bool:
    return form.lateness is lateness and page in {None, form.page}
