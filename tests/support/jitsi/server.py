"""A whole Jitsi without media: the auth service, Prosody as Jitsi's packages set it up, the focus."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.auth_server import AuthServer, open_auth_server
from tests.support.jitsi.focus import Focus, new_authority
from tests.support.jitsi.participants import Notice, Participant, Participants, Seat, room_jid
from tests.support.login_server import TRANSPORTS, login
from workbench import ROOT
from workbench.processes import PATIENCE
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service

GUESTS = f"guest.{HOST}"
FOCUS_HOST = f"auth.{HOST}"
MEETINGS = f"conference.{HOST}"
BREAKOUT = f"breakout.{HOST}"
LOBBY = f"lobby.{HOST}"
METADATA = f"metadata.{HOST}"
PROXY = f"focus.{HOST}"
BRIDGES = f"internal.auth.{HOST}"
BREWERY = f"jvbbrewery@{BRIDGES}"

AT_ONCE = 1.0  # seconds

MEETING_ENDED = "Das Medienzentrum hat diese Besprechung beendet. / The media centre has ended this meeting."
SUSPENDED = (
    "Dieser Zugang ist gesperrt. Bitte fragen Sie Ihr Medienzentrum. / "
    "This access is suspended. Please ask your media centre."
)
LOGGED_OUT = (
    "Dieser Zugang wurde überall abgemeldet. Bitte melden Sie sich neu an. / "
    "This access was signed out everywhere. Please log in again."
)

_FOCUS_JID = f"focus@{FOCUS_HOST}"
_BRIDGE_JID = f"jvb@{FOCUS_HOST}"
_MAPPER = {"muc_mapper_domain_base": HOST}  # on each host, as Jitsi's configuration sets it above all of them
_MUC = {
    **_MAPPER,
    "restrict_room_creation": True,
    "muc_room_locking": False,
    "muc_room_default_public_jids": True,
    "admins": [_FOCUS_JID],
    "component_admins_as_room_owners": True,
}


_STAND_INS_ON_HOST: dict[str, object] = {}
_STAND_INS_ON_MUC: dict[str, object] = {"breakout_muc": BREAKOUT, "lobby_muc": LOBBY}
_ON_HOST: dict[str, object] = {"main_muc": MEETINGS, "breakout_rooms_muc": BREAKOUT, "lobby_muc": LOBBY}

# Jitsi's names of the modules that have stand-ins.
_NEIGHBOURS = {
    "wait_for_host": "muc_wait_for_host",
    "meeting_id": "muc_meeting_id",
    "room_metadata": "room_metadata_component",
}

_ANYBODY = {
    "authentication": "insecure",
    "insecure_open_authentication": "Yes please, I know what I'm doing!",
}


def jitsi_plugins() -> Path | None:
    """Returns the folder of Jitsi's own Prosody plugins, if the environment names one; else None."""
    folder = os.environ.get("AUTHBRIDGE_JITSI_PLUGINS")
    return Path(folder) if folder else None


def make_prosody(
    version: str,
    folder: Path,
    service: Service | None = None,
    *,
    hibernation: float = 15,
    rules: Mapping[str, object] | None = None,
    neighbours: Collection[str] = (),
    **options: object,
) -> Prosody:
    """Returns a Prosody with Jitsi's hosts and components; the options are those of ``mod_auth_external``.

    Without a service, that module is not loaded, and anybody is an organiser.  A focus that is cut off stays
    there for ``hibernation`` seconds.  ``rules`` are the options of ``mod_meeting_rules``, which is not
    loaded if they are None.  ``neighbours`` are more modules of Jitsi beside ours: ``wait_for_host``,
    ``meeting_id`` and ``room_metadata``.
    """
    organisers = external(service.url, service.token_file, **options) if service else _ANYBODY
    plugins = jitsi_plugins()
    anonymous = "small_anonymous" if plugins is None else "jitsi-anonymous"
    return Prosody(
        version,
        folder,
        {
            HOST: {**organisers, **_MAPPER, **_host_options(neighbours), "storage": "internal"},
            GUESTS: {"authentication": anonymous, **_MAPPER},
            FOCUS_HOST: {**_ANYBODY, **_MAPPER, "smacks_hibernation_time": hibernation},
        },
        module_folders=(ROOT / "prosody_mod", plugins or ROOT / "tests/prosody"),
        extra_modules=("presence", "roster", "smacks", "admin_shell"),
        components={
            MEETINGS: ("muc", {**_MUC, **_muc_options(rules, neighbours)}),
            BREAKOUT: ("muc", _MUC),
            LOBBY: ("muc", _MUC),
            BRIDGES: ("muc", {**_MUC, "admins": [_FOCUS_JID, _BRIDGE_JID]}),
            PROXY: ("client_proxy", {"target_address": _FOCUS_JID, **_MAPPER}),
            **_metadata_component(neighbours),
        },
    )


def _host_options(neighbours: Collection[str]) -> dict[str, object]:
    if jitsi_plugins() is None:
        return _STAND_INS_ON_HOST
    modules = ["muc_breakout_rooms", "muc_lobby_rooms"]
    return {**_ON_HOST, "modules_enabled": modules + ["persistent_lobby"] * ("wait_for_host" in neighbours)}


def _muc_options(rules: Mapping[str, object] | None, neighbours: Collection[str]) -> dict[str, object]:
    if jitsi_plugins() is None:
        options = _STAND_INS_ON_MUC
        modules = ["small_domain_mapper", "small_breakout_rooms", "small_lobby"]
    else:
        options, modules = {}, ["muc_domain_mapper"]
    modules += [_module_of(each) for each in neighbours if each != "room_metadata"]
    if rules is not None:
        options, modules = {**options, **rules}, [*modules, "meeting_rules"]
    return {**options, "modules_enabled": modules}


def _metadata_component(neighbours: Collection[str]) -> dict[str, tuple[str, dict[str, object]]]:
    if "room_metadata" not in neighbours:
        return {}
    return {METADATA: (_module_of("room_metadata"), {"muc_component": MEETINGS, **_MAPPER})}


def _module_of(neighbour: str) -> str:
    name = _NEIGHBOURS[neighbour]
    return f"small_{neighbour}" if jitsi_plugins() is None else name


def start_prosody(prosody: Prosody) -> None:
    """Starts it so that the focus will be found."""
    prosody.start()
    if jitsi_plugins() is not None:  # Jitsi's asks for the focus's presence perhaps before that host is there
        prosody.shell("module", "reload", "client_proxy", PROXY)


def make_focus(prosody: Prosody) -> Focus:
    """Returns the focus of that Prosody; it does not run yet."""
    return Focus(
        prosody.c2s_port,
        FOCUS_HOST,
        new_authority(HOST),
        proxy=PROXY,
        breakout_host=BREAKOUT,
        brewery=BREWERY,
    )


async def until(condition: Callable[[], bool]) -> None:
    """Returns once it is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it happens in another thread or process
            await asyncio.sleep(0.01)


async def notices_of(seats: Iterable[Seat]) -> list[Notice]:
    """Returns how they lost their seats, once all have."""
    async with asyncio.timeout(PATIENCE):
        return list(await asyncio.gather(*(seat.out for seat in seats)))


async def assert_told(
    of_organisers: Iterable[Seat], of_others: Iterable[Seat], sentence: str = SUSPENDED
) -> list[Notice]:
    """Fails unless the rooms end for all: organisers read that sentence, others that the meeting ended."""
    theirs, others = await notices_of(of_organisers), await notices_of(of_others)
    assert {(notice.kind, notice.text) for notice in theirs} <= {("destroyed", sentence)}
    assert {(notice.kind, notice.text) for notice in others} <= {("destroyed", MEETING_ENDED)}
    return theirs + others


async def ends_of(participants: Iterable[Participant]) -> list[Notice]:
    """Returns how their streams ended, once all have."""
    async with asyncio.timeout(PATIENCE):
        return list(await asyncio.gather(*(person.line.end for person in participants)))


@dataclass(frozen=True, slots=True)
class Jitsi:
    """A Prosody and its focus, which run."""

    prosody: Prosody
    focus: Focus

    @contextlib.asynccontextmanager
    async def participants(self) -> AsyncIterator[Participants]:
        """Yields the participants' screens; all of them leave at the end."""
        participants = Participants(self.prosody)
        try:
            yield participants
        finally:
            await participants.leave()

    async def until_held(self, room: str) -> None:
        """Returns when the focus has opened that room."""
        await until(lambda: room in self.focus.conferences and self.focus.conferences[room].is_joined)

    async def until_opening(self, room: str) -> None:
        """Returns when the focus has opened that room, or is about to."""
        await until(lambda: room in self.focus.conferences)

    async def until_logged_out(self, username: str) -> None:
        """Returns when the focus remembers no login of that organiser."""
        await until(lambda: not self.focus.logins_of(username))

    async def until_gone(self, room: str) -> None:
        """Returns when the focus holds no such room."""
        await until(lambda: room not in self.focus.conferences)

    def restart(self) -> None:
        """Puts a new Prosody without memory in its place; the focus finds it again, with its logins."""
        self.prosody.stop()
        self.start_again()

    def start_again(self) -> None:
        """Starts Prosody after a stop; the focus cannot go on with its stream and begins a new one."""
        self.focus.cut()
        start_prosody(self.prosody)
        self.focus.reconnect()


@contextlib.contextmanager
def open_jitsi(
    version: str,
    folder: Path,
    service: Service,
    *,
    hibernation: float = 15,
    rules: Mapping[str, object] | None = None,
    neighbours: Collection[str] = (),
    **options: object,
) -> Iterator[Jitsi]:
    """Starts Prosody and focus in that folder, and ends them afterwards; see :func:`make_prosody`."""
    prosody = make_prosody(
        version,
        folder,
        service,
        hibernation=hibernation,
        rules=rules,
        neighbours=neighbours,
        **options,
    )
    with run_jitsi(prosody) as jitsi:
        yield jitsi


@contextlib.contextmanager
def run_jitsi(prosody: Prosody) -> Iterator[Jitsi]:
    """Starts that Prosody and a focus, and ends them afterwards."""
    focus = make_focus(prosody)
    with contextlib.ExitStack() as running:
        running.callback(prosody.stop)
        running.callback(focus.close)
        start_prosody(prosody)
        focus.start()
        yield Jitsi(prosody, focus)


@dataclass(frozen=True, slots=True)
class Deployment:
    """An auth server and its Jitsi."""

    auth: AuthServer
    jitsi: Jitsi

    @property
    def complaints(self) -> list[str]:
        """Returns the errors that Prosody and the service have logged."""
        logs = (self.jitsi.prosody.log, self.auth.service.log)
        lines = [line for log in logs for line in log.read_text().splitlines()]
        return [line for line in lines if "\terror\t" in line or "raceback" in line]


@contextlib.contextmanager
def open_deployment(
    version: str,
    folder: Path,
    template: Path,
    *,
    hibernation: float = 15,
    rules: Mapping[str, object] | None = None,
    neighbours: Collection[str] = (),
    **options: object,
) -> Iterator[Deployment]:
    """Starts all of it; returns when Prosody follows the service.  See :func:`make_prosody`."""
    with (
        open_auth_server(folder / "service", template) as auth,
        open_jitsi(
            version,
            folder / "prosody",
            auth.service,
            hibernation=hibernation,
            rules=rules,
            neighbours=neighbours,
            **options,
        ) as jitsi,
    ):
        yield Deployment(auth, jitsi)


async def assert_kept_out(deployment: Deployment, who: IssuedCredential, page: Participant) -> None:
    """Fails if one of the ways in is open to that suspended organiser, from the machine of that page."""
    jitsi = deployment.jitsi
    for number, transport in enumerate(TRANSPORTS):
        room = room_jid(f"naechste-{number}")
        async with jitsi.participants() as participants:
            first, second = await participants.guest(transport), await participants.guest(transport)
            first.machine_uid = second.machine_uid = page.machine_uid
            first.session_id = page.session_id
            answer = await first.wait_for_host(room)
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
            assert (await second.ask(room)).error == "not-authorized"
        assert await login(jitsi.prosody, transport, who.username, who.password) == "account-disabled"
        await jitsi.until_gone(room)
