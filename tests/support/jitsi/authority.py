"""What jicofo remembers of logins, written from its documented behaviour: no XMPP, no clock of its own."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

LIFETIME = 24 * 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Request:
    """A client asks for a conference; ``sender`` is its full JID."""

    sender: str
    room: str
    machine_uid: str = ""
    session_id: str = ""


@dataclass
class Login:
    """A login that is remembered; its id is all that a page needs to be that person."""

    identity: str  # a bare JID
    machine_uid: str
    jid: str  # of the client that showed it last
    touched: float
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()), repr=False)


class RefusalError(Exception):
    """Raised for a request that is answered with an error of that condition."""

    def __init__(self, kind: str, condition: str, *, is_invalid: bool = False) -> None:
        super().__init__(condition)
        self.kind = kind
        self.condition = condition
        self.is_invalid = is_invalid  # the session-id is unknown


class Authority:
    """The logins: a client of the login domain makes one, guests show it, and it ends unless it is shown."""

    def __init__(self, domain: str, clock: Callable[[], float], lifetime: float = LIFETIME) -> None:
        self._domain = domain
        self._clock = clock
        self._lifetime = lifetime
        self._logins: dict[str, Login] = {}

    @property
    def logins(self) -> dict[str, Login]:
        """Returns the logins that have not expired, by their session-ids."""
        for login in list(self._logins.values()):
            if self._clock() - login.touched > self._lifetime:
                self._logins.pop(login.session_id, None)
        return self._logins

    def of_identity(self, identity: str) -> list[Login]:
        """Returns the logins of that bare JID."""
        return [login for login in list(self.logins.values()) if login.identity == identity]

    def of_client(self, jid: str) -> Login | None:
        """Returns the login that this client showed last."""
        return next((login for login in list(self.logins.values()) if login.jid == jid), None)

    def admit(self, request: Request, *, creates: bool) -> Login | None:
        """Returns the login behind a request, None for a guest; raises :class:`RefusalError`."""
        login = self._login_of(request)
        if login is not None:
            login.jid = request.sender
            login.touched = self._clock()
        if creates and self.of_client(request.sender) is None:
            raise RefusalError("auth", "not-authorized")
        return login

    def _login_of(self, request: Request) -> Login | None:
        if request.session_id:
            login = self.logins.get(request.session_id)
            if login is None:
                raise RefusalError("modify", "not-acceptable", is_invalid=True)
            if login.machine_uid != request.machine_uid:
                raise RefusalError("modify", "not-acceptable")
            return login
        bare, _, _ = request.sender.partition("/")
        if bare.rpartition("@")[2] != self._domain:
            return None
        if not request.machine_uid:
            raise RefusalError("modify", "not-acceptable")
        login = Login(bare, request.machine_uid, request.sender, self._clock())
        self._logins[login.session_id] = login
        return login

    def log_out(self, session_id: str) -> None:
        """Forgets a login, no matter which page asks; raises :class:`RefusalError` if there is none."""
        if self.logins.pop(session_id, None) is None:
            raise RefusalError("modify", "not-acceptable", is_invalid=True)
