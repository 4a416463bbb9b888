"""The small focus behaves as jicofo is documented to, without our guard; or else it would prove nothing."""

import asyncio
from collections.abc import Iterator

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.authority import LIFETIME, Authority, RefusalError, Request
from tests.support.jitsi.focus import FOCUS, MUC_USER
from tests.support.jitsi.focus_rooms import fold_room_name
from tests.support.jitsi.participants import Answer, notice_nothing, room_jid
from tests.support.jitsi.server import (
    BREAKOUT,
    BRIDGES,
    FOCUS_HOST,
    PROXY,
    Jitsi,
    make_prosody,
    notices_of,
    run_jitsi,
    until,
)
from tests.support.login_server import NEWER, TRANSPORTS

ROOM = "physik@conference.meet.test"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
OWN, GUEST = "anna@meet.test/a", "x1@guest.meet.test/a"


class Clock:
    """Stands until it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        """The present moment, in seconds."""
        return self.now


@pytest.fixture(name="clock")
def make_clock() -> Clock:
    """At the beginning."""
    return Clock()


@pytest.fixture(name="authority")
def make_authority(clock: Clock) -> Authority:
    """Nobody has logged in."""
    return Authority("meet.test", clock)


def log_in(authority: Authority, machine: str = "m") -> str:
    """The session-id of a new login."""
    login = authority.admit(Request(OWN, ROOM, machine), creates=True)
    assert login is not None
    return login.session_id


def refusal(authority: Authority, request: Request, *, creates: bool = False) -> tuple[str, str, bool]:
    """Type and condition of the error, and whether it says that the session-id is unknown."""
    with pytest.raises(RefusalError) as error:
        authority.admit(request, creates=creates)
    return error.value.kind, error.value.condition, error.value.is_invalid


def test_only_a_login_creates_a_conference(authority: Authority) -> None:
    """A guest enters one that is there, and nothing more."""
    guest = Request(GUEST, ROOM, "m")
    assert refusal(authority, guest, creates=True) == ("auth", "not-authorized", False)
    assert authority.admit(guest, creates=False) is None


def test_each_login_has_an_id_and_a_machine(authority: Authority) -> None:
    """Each request from the login domain is a new login, and must name the machine."""
    assert log_in(authority) != log_in(authority)
    assert len(authority.of_identity("anna@meet.test")) == 2
    assert refusal(authority, Request(OWN, ROOM)) == ("modify", "not-acceptable", False)


def test_a_session_id_is_good_on_its_machine(authority: Authority) -> None:
    """Elsewhere it is refused, and an unknown one otherwise."""
    session_id = log_in(authority)
    assert authority.admit(Request(GUEST, ROOM, "m", session_id), creates=True) is not None
    stolen, unknown = Request(GUEST, ROOM, "n", session_id), Request(GUEST, ROOM, "m", "0")
    assert refusal(authority, stolen) == ("modify", "not-acceptable", False)
    assert refusal(authority, unknown) == ("modify", "not-acceptable", True)


def test_who_showed_it_last_needs_it_no_more(authority: Authority) -> None:
    """That page creates conferences without it; a page that showed it before no longer does."""
    session_id = log_in(authority)
    other = "x2@guest.meet.test/a"
    for sender in (other, GUEST):
        authority.admit(Request(sender, ROOM, "m", session_id), creates=True)
    assert authority.admit(Request(GUEST, ROOM), creates=True) is None
    assert refusal(authority, Request(other, ROOM), creates=True) == ("auth", "not-authorized", False)


def test_a_page_is_somebody_while_any_login_has_it(authority: Authority) -> None:
    """Two logins shown by one page: the page needs no session-id until both have ended."""
    both = [log_in(authority), log_in(authority)]
    for session_id in both:
        authority.admit(Request(GUEST, ROOM, "m", session_id), creates=True)
    authority.log_out(both[1])
    assert authority.admit(Request(GUEST, ROOM), creates=True) is None
    authority.log_out(both[0])
    assert refusal(authority, Request(GUEST, ROOM), creates=True) == ("auth", "not-authorized", False)


@pytest.mark.parametrize(
    ("asked", "folded"),
    [
        ("BioLogie@Conference.Meet.Test", "biologie@conference.meet.test"),
        ("Straße@conference.meet.test", "straße@conference.meet.test"),
        ("physik%20%c3%bcbung@conference.meet.test", "physik%20%c3%bcbung@conference.meet.test"),
        ("\ufb01sch@conference.meet.test", None),  # a ligature
        ("a b@conference.meet.test", None),
        ("conference.meet.test", None),
    ],
)
def test_how_it_folds_names(asked: str, folded: str | None) -> None:
    """By PRECIS: letters become small and stay themselves."""
    assert fold_room_name(asked) == folded


def test_it_lives_as_long_as_it_is_shown(authority: Authority, clock: Clock) -> None:
    """A day after the last time it is unknown."""
    request = Request(GUEST, ROOM, "m", log_in(authority))
    for _ in range(3):
        clock.now += LIFETIME
        assert authority.admit(request, creates=True) is not None
    clock.now += LIFETIME + 1
    assert refusal(authority, request) == ("modify", "not-acceptable", True)


def test_a_logout_asks_for_nothing_but_the_id(authority: Authority) -> None:
    """And the second one finds none."""
    session_id = log_in(authority)
    authority.log_out(session_id)
    with pytest.raises(RefusalError):
        authority.log_out(session_id)


@pytest.fixture(name="jitsi", scope="module")
def set_jitsi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jitsi]:
    """A Prosody that lets anybody in as an organiser, and the focus."""
    with run_jitsi(make_prosody(NEWER, tmp_path_factory.mktemp("prosody"))) as jitsi:
        yield jitsi


ANNA = IssuedCredential(Username("anna"), "any")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_way_of_an_organiser_and_of_a_pupil(jitsi: Jitsi, transport: str) -> None:
    """Wait, log in, lead; each answer to a page that has logged in names them, and no other one does."""
    room = room_jid(f"mathe-{transport}")
    async with jitsi.participants() as participants:
        page = await participants.guest(transport)
        assert (await page.ask(room)).error == "not-authorized"
        pupil = asyncio.ensure_future(participants.pupil(room, transport))
        answers = [await page.log_in(ANNA, room), await page.ask(room)]
        assert [each.identity for each in answers] == ["anna@meet.test"] * 2
        assert answers[0].session_id == answers[1].session_id != ""
        seat = await page.join(room)
        await seat.until_moderator()
        assert (seat.affiliation, (await pupil).seats[room].role) == ("owner", "participant")
        assert not (await (await pupil).ask(room)).identity
    await jitsi.until_gone(room)


async def test_who_is_in_the_room_already_leads_once_he_has_logged_in(jitsi: Jitsi) -> None:
    """The button “I am the host” within a meeting."""
    room = room_jid("deutsch")
    async with jitsi.participants() as participants:
        await participants.organiser(ANNA, room)
        page = await participants.pupil(room)
        await page.log_in(ANNA, room)
        await page.ask(room)
        await page.seats[room].until_moderator()


async def test_logout_by_anybody(jitsi: Jitsi) -> None:
    """As jicofo, it asks for nothing but the session-id."""
    async with jitsi.participants() as participants:
        page, stranger = await participants.organiser(ANNA, room_jid("latein")), await participants.guest()
        logout = f"<logout xmlns='{FOCUS}' session-id='{page.session_id}'/>"
        told = [(await stranger.line.ask(PROXY, logout)).get("type") for _ in range(2)]
        assert told == ["result", "error"]
        assert (await page.ask(room_jid("griechisch"))).is_session_invalid


async def test_a_conference_that_nobody_joins_ends(jitsi: Jitsi) -> None:
    """15 seconds after somebody has asked for it; here at once."""
    room = room_jid("leer")
    async with jitsi.participants() as participants:
        page = await participants.guest()
        await page.log_in(ANNA, room)
        assert room in jitsi.focus.conferences
        jitsi.focus.rooms.initial_timeout = 0.1
        try:
            await page.ask(room)
            await jitsi.until_gone(room)
        finally:
            jitsi.focus.rooms.initial_timeout = 15


async def test_it_hangs_is_away_and_comes_back(jitsi: Jitsi) -> None:
    """What it was sent while it hung is done; what it remembered before it was away is so still."""
    room = room_jid("kunst")
    async with jitsi.participants() as participants:
        page = await participants.organiser(ANNA, room)
        jitsi.focus.hang()
        asking = asyncio.ensure_future(page.ask(room))
        await page.line.ping()
        assert not asking.done()
        jitsi.focus.wake()
        assert (await asking).identity == "anna@meet.test"

        await asyncio.to_thread(jitsi.focus.stop)
        assert (await page.ask(room)).error == "service-unavailable"
        await asyncio.to_thread(jitsi.focus.start)
        assert (await page.ask(room)).identity == "anna@meet.test"


async def test_only_the_first_waits(jitsi: Jitsi) -> None:
    """Every other request is answered before the focus is in, and names who has logged in."""
    room = room_jid("warten")
    async with jitsi.participants() as participants:
        page, guest, tablet = (
            await participants.guest(),
            await participants.guest(),
            await participants.tablet(ANNA),
        )
        jitsi.focus.hold_joins()
        try:
            first = asyncio.ensure_future(page.log_in(ANNA, room))
            await jitsi.until_opening(room)
            others = [await tablet.ask(room), await guest.ask(room)]
            assert [(each.is_ready, each.identity) for each in others] == [
                (False, "anna@meet.test"),
                (False, ""),
            ]
            assert others[0].session_id
            assert not first.done()
        finally:
            jitsi.focus.let_join()
        assert (await first).is_ready
        assert (await guest.ask(room)).is_ready


UNANSWERED = {
    "is no address": room_jid("\ufb01sch"),
    "has another name at Prosody": room_jid("straße"),
    "has another name outside": room_jid("[gymnasium]mathe"),
    "is at a silent component": f"physik@{PROXY}",
    "refuses the focus": f"besetzt@{BRIDGES}",
    "is an invented breakout room": f"erfunden@{BREAKOUT}",
}


@pytest.mark.parametrize("room", UNANSWERED.values(), ids=UNANSWERED)
async def test_a_failed_start_has_no_answer(jitsi: Jitsi, room: str) -> None:
    """Neither a result nor an error; the login stays, and the page that showed it needs it no more."""
    async with jitsi.participants() as participants:
        page, bridge = await participants.guest(), await participants.bridge()
        await bridge.join(f"besetzt@{BRIDGES}", "focus")
        await page.log_in(ANNA, room_jid("vorher"))
        if room in {UNANSWERED["is no address"], UNANSWERED["is an invented breakout room"]}:
            # Such a request binds nobody, and ends no binding.
            await page.ask(room_jid("vorher"))
        before = len(jitsi.focus.log)
        jitsi.focus.rooms.reply_timeout = 0.3
        try:
            asking = asyncio.ensure_future(page.ask(room))
            await until(lambda: len(jitsi.focus.log) > before and not is_opening(jitsi, asking))
        finally:
            jitsi.focus.rooms.reply_timeout = 15
        await page.line.ping()
        assert not asking.done()
        asking.cancel()
        assert page.session_id in jitsi.focus.authority.logins
        assert not (await page.ask(room_jid("nachher"), session_id="")).error


def is_opening(jitsi: Jitsi, asking: asyncio.Future[Answer]) -> bool:
    """Whether the focus still tries to get into a room."""
    conferences = list(jitsi.focus.conferences.values())
    return not asking.done() and any(not each.is_joined for each in conferences)


async def test_errors_repeat_what_was_asked(jitsi: Jitsi) -> None:
    """After the error, with the session-id."""
    async with jitsi.participants() as participants:
        page = await participants.guest()
        unknown = f"session-id='{'0' * 8}'"
        told = [
            await page.line.ask(PROXY, f"<{asked} xmlns='{FOCUS}'/>")
            for asked in (
                f"conference room='{ROOM}' machine-uid='m'",
                f"conference room='{ROOM}' machine-uid='m' {unknown}",
                f"logout {unknown}",
            )
        ]
    assert [[child.tag.rpartition("}")[2] for child in iq] for iq in told] == [
        ["error", "conference"],
        ["error", "conference"],
        ["error", "logout"],
    ]
    assert [[iq[0].get("type"), *(child.tag for child in iq[0])] for iq in told] == [
        ["auth", f"{STANZAS}not-authorized"],
        ["modify", f"{STANZAS}not-acceptable", f"{{{FOCUS}}}session-invalid"],
        ["modify", f"{STANZAS}not-acceptable", f"{{{FOCUS}}}session-invalid"],
    ]
    assert told[1][1].attrib == {"room": ROOM, "machine-uid": "m", "session-id": "00000000"}
    assert told[2][1].get("session-id") == "00000000"


async def test_its_resource_is_always_the_same(jitsi: Jitsi) -> None:
    """As all in its rooms see."""
    room = room_jid("adresse")
    async with jitsi.participants() as participants:
        page = await participants.organiser(ANNA, room)
        seen = {item.get("jid") for element in page.line.elements for item in element.iter(f"{MUC_USER}item")}
        assert f"focus@{FOCUS_HOST}/focus" in seen


async def test_a_logout_overtakes_a_request(jitsi: Jitsi) -> None:
    """Requests wait for a place in the pool, logouts do not."""
    async with jitsi.participants() as participants:
        page = await participants.organiser(ANNA, room_jid("eins"))
        jitsi.focus.hold_requests()
        try:
            asking = asyncio.ensure_future(page.ask(room_jid("zwei")))
            logout = f"<logout xmlns='{FOCUS}' session-id='{page.session_id}'/>"
            assert (await page.line.ask(PROXY, logout)).get("type") == "result"
            assert not asking.done()
        finally:
            jitsi.focus.let_requests()
        assert (await asking).is_session_invalid


async def test_leaving_is_no_end(jitsi: Jitsi) -> None:
    """A meeting goes on without its starter, who is told of leaving, and not of an end."""
    room = room_jid("musik")
    async with jitsi.participants() as participants:
        page, pupil = await participants.organiser(ANNA, room), await participants.pupil(room)
        await page.leave_room(room)
        [notice] = await notices_of([page.seats[room]])
        assert notice.kind == "left"
        await notice_nothing(room, pupil)
        assert room in jitsi.focus.conferences
