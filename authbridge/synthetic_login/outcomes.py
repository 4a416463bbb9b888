"""Names what can come of a synthetic login, and says it in plain words, which the panel translates."""

from dataclasses import dataclass
from enum import StrEnum

from authbridge.machine.findings import Remark


class SyntheticOutcome(StrEnum):
    """What came of a synthetic login; all but the first are failures."""

    GRANTED = "granted"  # and the wrong password was refused
    WRONG_GRANTED = "wrong-granted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no-answer"
    CERTIFICATE = "certificate"
    HTTP_STATUS = "http-status"
    UNKNOWN_HOST = "unknown-host"
    NO_PASSWORD = "no-password"  # noqa: S105 - an outcome
    UNEXPECTED = "unexpected"
    LOST = "lost"
    NO_DATABASE = "no-database"


@dataclass(frozen=True, slots=True)
class SyntheticResult:
    """``detail`` is what exactly was answered; ``milliseconds``, how long the right password took."""

    outcome: SyntheticOutcome
    detail: str = ""
    milliseconds: int | None = None

    @property
    def is_granted(self) -> bool:
        """Tells whether logins work."""
        return self.outcome is SyntheticOutcome.GRANTED


SENTENCES = {
    SyntheticOutcome.GRANTED: Remark("The login succeeded, and a wrong password was refused."),
    SyntheticOutcome.WRONG_GRANTED: Remark(
        "A wrong password was let in: anybody may be able to open meetings."
    ),
    SyntheticOutcome.REFUSED: Remark("The right password was refused."),
    SyntheticOutcome.UNAVAILABLE: Remark(
        "The meeting server could not check the password: the login service does not answer it, or is "
        "overloaded."
    ),
    SyntheticOutcome.UNREACHABLE: Remark("The meeting server cannot be reached."),
    SyntheticOutcome.NO_ANSWER: Remark("The meeting server did not answer in time."),
    SyntheticOutcome.CERTIFICATE: Remark("The certificate of the meeting server is not valid."),
    SyntheticOutcome.HTTP_STATUS: Remark("The web server did not pass the login on."),
    SyntheticOutcome.UNKNOWN_HOST: Remark(
        "The meeting server does not know the host on which organisers log in."
    ),
    SyntheticOutcome.NO_PASSWORD: Remark("The meeting server offers no login with a password."),
    SyntheticOutcome.UNEXPECTED: Remark("The meeting server gave an unexpected answer."),
    SyntheticOutcome.LOST: Remark("The login was broken off, and nobody knows what came of it."),
    SyntheticOutcome.NO_DATABASE: Remark("The database does not answer."),
}
