"""XEP-0198 as a client keeps it: what it sent and the server has not acknowledged outlives the connection."""

from collections import deque
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

NAMESPACE = "urn:xmpp:sm:3"

_TAG = f"{{{NAMESPACE}}}"
_STANZAS = {f"{{jabber:client}}{kind}" for kind in ("iq", "message", "presence")}


class StreamManagement:
    """The counters of a stream; as jicofo's library, it asks after every fifth stanza how many came."""

    ask_after = 5  # stanzas

    def __init__(self) -> None:
        self.id = ""  # with which another connection can go on; a secret
        self._heard = 0
        self._acknowledged = 0
        self._kept: deque[str] = deque()

    @property
    def question(self) -> str:
        """Asks how many stanzas came."""
        return f"<r xmlns='{NAMESPACE}'/>"

    @property
    def enable(self) -> str:
        """Asks for it."""
        return f"<enable xmlns='{NAMESPACE}' resume='true'/>"

    @property
    def resume(self) -> str:
        """Asks to go on with the stream of before; empty if there is none."""
        if not self.id:
            return ""
        return f"<resume xmlns='{NAMESPACE}' h='{self._heard}' previd={quoteattr(self.id)}/>"

    def begin(self, answer: Element) -> bool:
        """Tells whether that is the server's answer to :attr:`enable`; from here on it counts."""
        if answer.tag != f"{_TAG}enabled":
            return False
        self.forget()
        self.id = answer.get("id") or ""
        return True

    def go_on(self, answer: Element) -> bool:
        """Tells whether that is the server's consent to :attr:`resume`."""
        if answer.tag != f"{_TAG}resumed":
            return False
        self._acknowledge(answer)
        return True

    def forget(self) -> list[str]:
        """Ends the stream for good; returns what was sent over it and not acknowledged."""
        kept = list(self._kept)
        self.id, self._heard, self._acknowledged = "", 0, 0
        self._kept.clear()
        return kept

    @property
    def kept(self) -> list[str]:
        """Returns what the server has not acknowledged, oldest first."""
        return list(self._kept)

    def keep(self, stanza: str) -> str:
        """Returns what to send for that stanza: at times with a question how many came."""
        self._kept.append(stanza)
        is_due = (self._acknowledged + len(self._kept)) % self.ask_after == 0
        return stanza + self.question if is_due else stanza

    def take(self, element: Element) -> str:
        """Notes what came; returns what to send back at once, mostly nothing."""
        if element.tag == f"{_TAG}a":
            self._acknowledge(element)
        elif element.tag == f"{_TAG}r":
            return f"<a xmlns='{NAMESPACE}' h='{self._heard}'/>"
        elif element.tag in _STANZAS:
            self._heard += 1
        return ""

    def _acknowledge(self, answer: Element) -> None:
        count = int(answer.get("h") or 0)
        while self._kept and self._acknowledged < count:
            self._kept.popleft()
            self._acknowledged += 1
