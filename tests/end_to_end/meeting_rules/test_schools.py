"""A room whose name begins with a school's code is opened by that school's organisers only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.factories import make_school
from tests.support.jitsi.participants import room_jid
from tests.support.jitsi.rules import WORDS, by, rules_with
from tests.support.jitsi.server import Deployment, notices_of, open_deployment
from tests.support.login_server import VERSIONS

BY = by("schools", "all")


def refusal(offer: str) -> str:
    """Returns the sentence with that offer."""
    return WORDS["schools"].replace("gym-5a", offer)


@BY
async def test_their_own_organisers_open_it(ruled: Deployment) -> None:
    """And those of another school read whose it is, also on the page where they typed the password."""
    room = room_jid("ohg-5a")
    async with ruled.jitsi.participants() as participants:
        stranger = await participants.guest("websocket")
        answer = await stranger.log_in(ruled.auth.issue("gym"), room)
        assert (answer.error, answer.code, answer.text) == ("service-unavailable", "403", refusal("gym-5a"))
        answer = await stranger.ask(room)
        assert (answer.code, answer.text) == ("403", refusal("gym-5a"))
        assert room not in ruled.jitsi.focus.conferences

        pupil = await participants.guest()
        assert (await pupil.ask(room)).error == "not-authorized"  # who are told to wait, as ever
        await participants.organiser(ruled.auth.issue("ohg"), room)


@BY
async def test_organisers_from_the_login_page_are_of_their_school(ruled: Deployment) -> None:
    """Their rooms are their school's, others' are not theirs; an organiser stays one by the other door."""
    who, room = ruled.auth.issue("gym"), room_jid("gym-lehrer")
    token = ruled.auth.token(who)
    async with ruled.jitsi.participants() as participants:
        stranger = await participants.returned(token)
        answer = await stranger.ask(room_jid("ohg-lehrer"))
        assert (answer.error, answer.code, answer.text) == (
            "service-unavailable",
            "403",
            refusal("gym-lehrer"),
        )
        leader = await participants.leader(token, room)
        await leader.set_password(room, "Igel")
        again = await participants.guest()
        await again.log_in(who, room)
        assert not (await again.wait_for_host(room)).error
        await (await again.join(room)).until_moderator()
        helper = await participants.guest()
        assert not (await helper.wait_for_host(room)).error
        await helper.join(room, password="Igel")
        await leader.promote(room, helper)
        for organiser in (leader, again):  # whom those that they let lead cannot put out
            assert (await helper.kick(room, organiser)).error == "not-allowed"


@BY
async def test_capitals_are_no_way_around_it(ruled: Deployment) -> None:
    """Prosody writes the room in small letters; what the focus is not asked it does not open."""
    before = len(ruled.jitsi.focus.requests("conference"))
    async with ruled.jitsi.participants() as participants:
        tablet = await participants.tablet(ruled.auth.issue("gym"))
        answer = await tablet.ask(room_jid("OHG-5b"))
        assert (answer.code, answer.text) == ("403", refusal("gym-5b"))
    assert len(ruled.jitsi.focus.requests("conference")) == before


@BY
async def test_an_organiser_of_another_school_is_a_participant_there(ruled: Deployment) -> None:
    """They may come, lead nothing, and keep nothing open."""
    who, other, room = ruled.auth.issue("ohg"), ruled.auth.issue("gym"), room_jid("ohg-fachkonferenz")
    async with ruled.jitsi.participants() as participants:
        leader = await participants.organiser(who, room)
        guest = await participants.organiser(other, room_jid("gym-fachkonferenz"))
        assert not (await guest.ask(room)).error
        if "muc_membersonly" in await leader.features_of(room):
            await guest.knock(room)
            await leader.admit(room, guest)
            seat = await guest.enter_from_lobby(room)
        else:
            seat = await guest.join(room)
        await guest.line.ping()
        assert seat.affiliation != "owner"
        ruled.auth.suspend(who.username)
        (notice,) = await notices_of([seat])
        assert notice.kind == "destroyed"


@BY
@pytest.mark.parametrize("name", ["physik", "xyz-physik", "ohg", "ohgphysik", "ohg_5a"])
async def test_other_names_are_everybodys(ruled: Deployment, name: str) -> None:
    """A word before a hyphen is only then a school's if a school has it as its code."""
    async with ruled.jitsi.participants() as participants:
        await participants.organiser(ruled.auth.issue("gym"), room_jid(name))


async def test_a_school_that_is_new(ruled: Deployment) -> None:
    """Its rooms are its own with the next news of the service."""
    make_school(ruled.auth.database, "neu", "Neue Schule")
    who, other = ruled.auth.issue("neu"), ruled.auth.issue("gym")
    ruled.auth.suspend(ruled.auth.issue("gym").username)  # which is news
    async with ruled.jitsi.participants() as participants:
        await participants.organiser(who, room_jid("neu-5a"))
        answer = await (await participants.tablet(other)).ask(room_jid("neu-5b"))
        assert answer.text == refusal("gym-5b").replace("ohg", "neu")


async def test_after_a_restart_the_password_is_typed_anew(
    version: str, tmp_path: Path, sqlite_template: Path
) -> None:
    """Prosody has forgotten to which school a remembered login belongs, and guesses nothing."""
    with open_deployment(version, tmp_path, sqlite_template, rules={}, hibernation=1) as deployment:
        who, room = deployment.auth.issue("ohg"), room_jid("ohg-5a")
        async with deployment.jitsi.participants() as participants:
            leader = await participants.organiser(who, room)
            deployment.jitsi.restart()
            again = await participants.reload(leader)
            answer = await again.wait_for_host(room)
            assert (answer.error, answer.is_session_invalid) == ("not-acceptable", True)
            again.session_id = ""
            assert not (await again.log_in(who, room)).error
            assert not (await again.wait_for_host(room)).error


@pytest.fixture(name="strict", scope="module", params=VERSIONS)
def run_strict_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """A Jitsi where each room has the code of a school."""
    rules = {**rules_with("schools"), "meeting_rules_only_school_names": True}
    folder = tmp_path_factory.mktemp("strict")
    with open_deployment(request.param, folder, sqlite_template, rules=rules) as deployment:
        yield deployment


async def test_each_room_has_the_code_of_a_school(strict: Deployment) -> None:
    """Where the operator wants it so: participants and organisers read how it begins."""
    strict.auth.suspend(strict.auth.issue().username)  # so that the codes are there for certain
    general = WORDS["only_school_names"]
    without = general.replace(" Vorschlag: gym-physik", "").replace(" Please try: gym-physik", "")
    async with strict.jitsi.participants() as participants:
        tablet, guest = await participants.tablet(strict.auth.issue()), await participants.guest()
        answer = await tablet.ask(room_jid("physik"))
        assert (answer.code, answer.text) == ("403", general.replace("gym", "ohg"))
        answer = await guest.ask(room_jid("physik"))
        assert (answer.code, answer.text) == ("403", without)
        await participants.organiser(strict.auth.issue(), room_jid("ohg-physik"))
