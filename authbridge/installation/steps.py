"""Names what a step of the installation is: what it would do, sentence by sentence, and the way back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from authbridge.errors import AuthBridgeError
from authbridge.installation.record import Record
from authbridge.installation.system import System
from authbridge.machine.files import Change, Machine
from authbridge.machine.setup import SETTINGS, Setup, read_setup


class InstallationError(AuthBridgeError):
    """Raised when the installation cannot go on; what was done before stays, and it can be repeated."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line; a file's name is absolute."""

    host: str
    panel: str | None = None
    admin: str | None = None
    certificate: str | None = None
    certificate_key: str | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Installation:
    """One run of the installer: the machine, what it was asked for, and what is noted of earlier runs.

    ``folder`` is where the program of the clone stands, or will; ``todo`` collects what is left for a person,
    ``restarted`` the services that this run has restarted.
    """

    machine: Machine
    system: System
    record: Record
    clone: Path
    options: Options
    folder: str
    todo: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)

    def setup(self) -> Setup:
        """Returns what the settings say, or will say."""
        panel_url = f"https://{self.options.panel}" if self.options.panel else None
        if self.machine.read(SETTINGS) is None:
            return Setup(self.options.host, panel_url=panel_url)
        return read_setup(self.machine)

    @property
    def has_panel(self) -> bool:
        """Tells whether a panel is offered."""
        return bool(self.options.panel) or self.setup().panel_url is not None


@dataclass(frozen=True, slots=True)
class SystemAction:
    """One change of the machine: the sentence (or diff) that says it, and what does it."""

    words: str
    do: Callable[[], None]


Actions = Callable[[Installation], Iterator[SystemAction]]
"""Yields what differs from the desired state, each action when all before it are done; nothing: all is so."""


@dataclass(frozen=True, slots=True)
class InstallStep:
    """A part of the installation: what brings it about, and what takes it back."""

    title: str
    actions: Actions
    way_back: Actions


def in_words(changes: Sequence[Change]) -> str:
    """Returns the names of new files, and the diffs of changed ones."""
    return "".join(
        f"\n+ {change.name}" if change.before is None else f"\n{change.diff().rstrip()}" for change in changes
    )


def nothing(_installation: Installation) -> Iterator[SystemAction]:
    """Yields no action."""
    yield from ()


def run(
    step_actions: Sequence[tuple[str, Actions]],
    installation: Installation,
    say: Callable[[str], None],
    *,
    dry: bool,
) -> int:
    """Says each action and, unless ``dry``, does it; returns how many there were."""
    count = 0
    for title, actions in step_actions:
        first = True
        for action in actions(installation):
            if first:
                say(f"\n{title}")
                first = False
            say("  " + action.words.replace("\n", "\n  "))
            if not dry:
                action.do()
            count += 1
    return count
