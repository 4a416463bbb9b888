"""Names what can go wrong outside the code: one base that is never raised itself, a child per occasion.

A refused login is none of these; it is a :class:`authbridge.login.policy.Decision`.
"""

from collections.abc import Sequence


def location_of(error: Exception) -> str:
    """Returns where the error was raised, as ``file:line``.

    A log holds only this: the text of an error may quote a person.
    """
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "unknown" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"


class AuthBridgeError(Exception):
    """Base of all errors whose text is meant for the person in front of the screen.

    ``sentence`` is English, with places such as ``%(code)s`` for ``values``: the panel translates the
    sentence and fills in the values.
    """

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence = sentence
        self.values = values
        super().__init__(sentence % values if values else sentence)


class ConfigError(AuthBridgeError):
    """Raised at the start when a setting is missing or cannot be used."""


class StorageError(AuthBridgeError):
    """Raised when the database cannot be reached, is locked, full, or of another version."""


class NotFoundError(AuthBridgeError):
    """Raised when a command names something that does not exist."""


class ConflictError(AuthBridgeError):
    """Raised when the present state does not allow a change: a name is taken, or somebody else was faster."""


class InputError(AuthBridgeError):
    """Raised when a value that a person typed cannot be accepted."""


class ImportFileError(AuthBridgeError):
    """Raised when a table that is to be imported has faults; nothing of it was imported.

    ``faults`` holds pairs of line number (from 1, mostly the heading's line) and what is wrong there.
    """

    def __init__(self, faults: Sequence[tuple[int, AuthBridgeError]]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"line {line}: {fault}" for line, fault in faults))


class AccountFilesError(AuthBridgeError):
    """Raised when files with accounts of a Prosody cannot be taken over; nothing of them was.

    ``faults`` holds pairs of the file's name and what is wrong there.
    """

    def __init__(self, faults: Sequence[tuple[str, AuthBridgeError]]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"{file}: {fault}" for file, fault in faults))
