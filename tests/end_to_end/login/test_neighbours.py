"""Other modules in the same Prosody: what they believe of a request, and whose turn is first."""

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from tests.support.auth_server import open_auth_server
from tests.support.jitsi.participants import new_participant
from tests.support.jitsi.server import GUESTS, Deployment, Jitsi, make_prosody, run_jitsi
from tests.support.login_server import VERSIONS
from workbench.prosody import HOST, Prosody

_CLAIMS = "urn:authbridge:test:claims"

# Of each event that one of our functions hooks: host, event, our priority, and those of all others there.
_HOOKS = """>(function ()
local lines = {};
local function list(name, events)
  for event, handlers in pairs(events._event_map) do
    local ours, others = {}, {};
    for handler, priority in pairs(handlers) do
      local is_ours = debug.getinfo(handler, "S").source:find("authbridge/hooks", 1, true);
      table.insert(is_ours and ours or others, priority);
    end
    for _, priority in ipairs(ours) do
      table.insert(lines, ("hook %s %s %g %s"):format(name, event, priority, table.concat(others, ",")));
    end
  end
end
list("*", prosody.events);
for name, host in pairs(prosody.hosts) do list(name, host.events); end
return table.concat(lines, "\\n");
end)()""".replace("\n", " ")


@pytest.fixture(name="credulous", scope="module", params=VERSIONS)
def run_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """A whole Jitsi with a credulous module beside ours."""
    folder = tmp_path_factory.mktemp("credulous")
    with (
        open_auth_server(folder / "service", sqlite_template) as auth,
        run_jitsi(
            with_claims(make_prosody(request.param, folder / "prosody", auth.service, rules={}))
        ) as jitsi,
    ):
        yield Deployment(auth, jitsi)


def with_claims(prosody: Prosody, **hosts: Mapping[str, object]) -> Prosody:
    """That Prosody with the credulous module, and more hosts."""
    return dataclasses.replace(
        prosody,
        hosts={**prosody.hosts, **hosts},
        extra_modules=(*prosody.extra_modules, "small_claims"),
    )


async def believed_of(jitsi: Jitsi, transport: str) -> Element:
    """What that module believes of a guest."""
    guest = await new_participant(jitsi.prosody, transport)
    answer = await guest.line.ask(GUESTS, f"<show xmlns='{_CLAIMS}'/>", "get")
    await guest.close()
    return next(iter(answer))


@pytest.mark.parametrize("transport", ["bosh", "websocket"])
async def test_what_a_request_claims_counts_for_nothing(credulous: Deployment, transport: str) -> None:
    """Nobody has verified it; what is no claim stays."""
    believed = await believed_of(credulous.jitsi, transport)
    assert (believed.get("token"), believed.get("user"), believed.get("room")) == (None, None, "physik")


async def test_tokens_that_jitsi_verifies_are_left_to_it(credulous: Deployment, tmp_path: Path) -> None:
    """Where a host has Jitsi's token provider, the check warns instead."""
    prosody = make_prosody(credulous.jitsi.prosody.version, tmp_path, credulous.auth.service)
    prosody = with_claims(prosody, **{"token.test": {"authentication": "token"}})
    with run_jitsi(prosody) as jitsi:
        assert (await believed_of(jitsi, "websocket")).get("token") == "claimed"


async def test_no_hook_of_ours_shares_its_turn(credulous: Deployment) -> None:
    """Prosody runs handlers of one priority in an order that is another at each start."""
    said = await asyncio.to_thread(credulous.jitsi.prosody.shell, _HOOKS)
    hooks = [line.split("hook ", 1)[1].split() for line in said.splitlines() if "hook " in line]
    shared = [hook for hook in hooks if len(hook) > 3 and hook[2] in hook[3].split(",")]
    events = {hook[1] for hook in hooks}
    assert {"pre-resource-bind", "muc-pre-set-affiliation", "muc-config-submitted", "iq/host"} <= events
    assert shared == []
    assert HOST in {hook[0] for hook in hooks}
