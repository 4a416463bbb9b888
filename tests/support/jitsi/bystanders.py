"""Lets guests come and go, and counts what the module still knows."""

import asyncio
import re
from dataclasses import dataclass

from tests.support.jitsi.participants import Participant, room_jid
from tests.support.jitsi.server import Deployment, Jitsi
from workbench.processes import PATIENCE

_AT_ONCE = 20

# An organiser counts who has a client or was ended lately, and one who has a remembered login.
_SIZES = """>(function ()
local saved = prosody.hosts["meet.test"].modules.auth_external.module.save();
local function count(...)
  local keys, number = {}, 0;
  for _, set in ipairs({ ... }) do for key in pairs(set) do keys[key] = true; end end
  for _ in pairs(keys) do number = number + 1; end
  return number;
end
local people, clients = count(saved.people.known, saved.logins.of_username), count(saved.people.clients);
return ("people=%d clients=%d rooms=%d"):format(people, clients, count(saved.meetings.rooms));
end)()""".replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Known:
    """How many organisers, clients and rooms."""

    people: int
    clients: int
    rooms: int


async def known_to_module(jitsi: Jitsi) -> Known:
    """Returns how many there are in the module's tables."""
    said = await asyncio.to_thread(jitsi.prosody.shell, _SIZES)
    found = dict(re.findall(r"(people|clients|rooms)=(\d+)", said))
    return Known(**{name: int(number) for name, number in found.items()})


async def come_and_go(deployment: Deployment, count: int) -> None:
    """Lets that many guests ask for a meeting and leave, every other one with the organiser's session-id."""
    room = room_jid("aula")
    before = await known_to_module(deployment.jitsi)
    async with deployment.jitsi.participants() as participants:
        leader = await participants.organiser(deployment.auth.issue(), room)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def pass_by(number: int) -> None:
            async with turns, deployment.jitsi.participants() as crowd:
                guest = await crowd.guest()
                if number % 2:
                    _show_login_of(leader, guest)
                assert not (await guest.ask(room)).error

        await asyncio.gather(*map(pass_by, range(count)))
        await leader.leave_room(room)
    await deployment.jitsi.until_gone(room)
    async with asyncio.timeout(PATIENCE):
        while (await known_to_module(deployment.jitsi)).clients > before.clients:  # noqa: ASYNC110 - in Prosody
            await asyncio.sleep(0.1)


def _show_login_of(leader: Participant, guest: Participant) -> None:
    guest.machine_uid, guest.session_id = leader.machine_uid, leader.session_id
