"""Room names have no special characters; a page reads why before anybody types a password."""

import secrets

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.jitsi.focus import MUC
from tests.support.jitsi.participants import new_participant, room_jid
from tests.support.jitsi.rules import WORDS, by
from tests.support.jitsi.seats import JoinRefusedError
from tests.support.jitsi.server import FOCUS_HOST, Deployment

BY = by("names", "all")
FOCUS_ACCOUNT = IssuedCredential(Username("focus"), "any")
OURS = "physik-uebung"  # the offer in the contract's sentence


def refusal(offer: str) -> str:
    """Returns the sentence with that offer."""
    return WORDS["names"].replace(OURS, offer)


@BY
@pytest.mark.parametrize(
    ("name", "offer"),
    [
        pytest.param("physik%20%c3%bcbung", OURS, id="as Jitsi's page writes it"),
        pytest.param("stra%c3%9fe", "strasse", id="sharp s"),
        pytest.param("physik übung", OURS, id="as a person writes it"),
        pytest.param("klasse.5a!", "klasse-5a", id="special characters"),
        pytest.param("x" * 65, "x" * 64, id="too long"),
    ],
)
async def test_the_page_reads_it_before_a_password(ruled: Deployment, name: str, offer: str) -> None:
    """Also the organiser's second connection; the focus is not asked."""
    before = len(ruled.jitsi.focus.requests("conference"))
    who = ruled.auth.issue()
    async with ruled.jitsi.participants() as participants:
        guest, tablet = await participants.guest("websocket"), await participants.tablet(who)
        for page in (guest, tablet):
            answer = await page.ask(room_jid(name))
            assert (answer.error, answer.code, answer.text) == ("service-unavailable", "406", refusal(offer))
    assert len(ruled.jitsi.focus.requests("conference")) == before


@BY
async def test_a_name_of_which_nothing_is_left(ruled: Deployment) -> None:
    """There is an offer all the same, and it will do."""
    async with ruled.jitsi.participants() as participants:
        guest = await participants.guest()
        answer = await guest.ask(room_jid("%d1%84%d0%b8%d0%b7"))
        offer = answer.text.rpartition(" ")[2]
        assert answer.text == refusal(offer)
        assert offer.startswith("raum-")
        assert (await guest.ask(room_jid(offer))).error == "not-authorized"


@BY
async def test_the_offer_is_a_room(ruled: Deployment) -> None:
    """Organisers open it."""
    async with ruled.jitsi.participants() as participants:
        await participants.organiser(ruled.auth.issue(), room_jid(OURS))


@BY
async def test_tenants_and_breakout_rooms_are_left_alone(ruled: Deployment) -> None:
    """A tenant's room has brackets in its name, and the id of a breakout room is Jitsi's affair."""
    room, main = room_jid("physik", "kreis"), room_jid("mit-gruppen")
    async with ruled.jitsi.participants() as participants:
        await participants.organiser(ruled.auth.issue(), room)
        leader = await participants.organiser(ruled.auth.issue(), main)
        await leader.switch_room(main, await leader.open_breakout())


async def test_the_focus_itself_makes_no_other_room(ruled: Deployment) -> None:
    """The rule holds at the room too, for jicofo as well; but for the rooms of its health check."""
    focus = await new_participant(ruled.jitsi.prosody, "tcp", FOCUS_HOST, FOCUS_ACCOUNT)
    await focus.join(room_jid("__jicofo-health-check-1"))
    with pytest.raises(JoinRefusedError, match="not-acceptable") as refused:
        await focus.join(room_jid("a.b"))
    assert refused.value.text == refusal("a-b")
    await focus.close()


@BY
async def test_a_thousand_names_of_garbage(ruled: Deployment) -> None:
    """None reaches the focus, and Prosody goes on."""
    before = set(ruled.jitsi.focus.conferences)
    letters = "abc09-_%ÄöüßŁñ é.,;!?()[]{}#+*~€🏫\u202e\u0301ﬁ\u2126"
    async with ruled.jitsi.participants() as participants:
        tablet = await participants.tablet(ruled.auth.issue(), "websocket")
        for number in range(1000):
            name = "".join(secrets.choice(letters) for _ in range(number % 90)) + "."
            answer = await tablet.ask(room_jid(name))
            assert answer.error == "service-unavailable"
        await tablet.line.ping()
    assert set(ruled.jitsi.focus.conferences) <= before


@by("all")
async def test_a_name_that_is_permitted_only_when_it_is_folded(ruled: Deployment) -> None:
    """Prosody folds it to the room that all know, and there the same doors are closed."""
    room, wide = room_jid("gefaltet"), "\uff47efaltet"
    async with ruled.jitsi.participants() as participants:
        await participants.organiser(ruled.auth.issue(), room)
        guest = await participants.guest()
        assert (await guest.ask(room_jid(wide))).error == "service-unavailable"
        to = f"{room_jid(wide)}/x"
        await guest.line.send(f"<presence xmlns='jabber:client' to='{to}'><x xmlns='{MUC}'/></presence>")
        with pytest.raises(JoinRefusedError, match="registration-required"):
            await guest.join(room)
