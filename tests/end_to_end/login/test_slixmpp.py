"""Logins by slixmpp over TCP: an XMPP client that others wrote, and that knows nothing of ours."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from slixmpp import ClientXMPP

from tests.support.login_server import Organisers
from workbench.processes import PATIENCE
from workbench.prosody import HOST, Prosody


async def _log_in(prosody: Prosody, username: str, password: str) -> str:
    """The bare JID of the session that started, or the SASL condition that slixmpp was told."""
    client = ClientXMPP(
        f"{username}@{HOST}", password, plugin_config={"feature_mechanisms": {"unencrypted_plain": True}}
    )
    client.enable_starttls = client.enable_direct_tls = False
    client.enable_plaintext = True
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def start(_event: Any) -> None:  # noqa: ANN401 - slixmpp gives each event what it likes
        ended.set_result(client.boundjid.bare)
        client.disconnect()

    def fail(failure: Any) -> None:  # noqa: ANN401
        ended.set_result(failure["condition"])  # and slixmpp, out of mechanisms, disconnects

    client.add_event_handler("session_start", start)
    client.add_event_handler("failed_auth", fail)
    client.connect("127.0.0.1", prosody.c2s_port)
    async with asyncio.timeout(PATIENCE):
        outcome = await ended
        await client.disconnected
    return outcome


async def test_right_password_starts_a_session_of_that_name(prosody: Prosody, organisers: Organisers) -> None:
    """The right password starts a session, and its address is the organiser's."""
    credential = organisers.active
    assert await _log_in(prosody, credential.username, credential.password) == f"{credential.username}@{HOST}"


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(str.upper, id="capitals"),
        pytest.param(lambda password: password.replace("-", ""), id="no-hyphens"),
        pytest.param(lambda password: password.replace("-", " "), id="blanks"),
        pytest.param(lambda password: f" {password.title()} ", id="all-at-once"),
    ],
)
async def test_spelling_of_a_generated_password_does_not_matter(
    prosody: Prosody, organisers: Organisers, spell: Callable[[str], str]
) -> None:
    """Capitals, blanks and hyphens make no difference in a generated password."""
    credential = organisers.active
    outcome = await _log_in(prosody, credential.username, spell(credential.password))
    assert outcome == f"{credential.username}@{HOST}"


async def test_wrong_password_is_refused(prosody: Prosody, organisers: Organisers) -> None:
    """A wrong password is not-authorized."""
    assert await _log_in(prosody, organisers.active.username, "bbbb-cccc-dddd") == "not-authorized"


async def test_unknown_name_is_refused(prosody: Prosody, organisers: Organisers) -> None:
    """A name that does not exist is told what a wrong password is told."""
    assert await _log_in(prosody, "ohg-aeiou", organisers.active.password) == "not-authorized"


async def test_suspended_organiser_is_told_so(prosody: Prosody, organisers: Organisers) -> None:
    """Who is suspended and has the right password reads account-disabled."""
    credential = organisers.suspended
    assert await _log_in(prosody, credential.username, credential.password) == "account-disabled"


async def test_expired_organiser_is_told_so(prosody: Prosody, organisers: Organisers) -> None:
    """Whose access has expired and who has the right password reads credentials-expired."""
    credential = organisers.expired
    assert await _log_in(prosody, credential.username, credential.password) == "credentials-expired"


async def test_organiser_of_a_suspended_school_is_told_so(prosody: Prosody, organisers: Organisers) -> None:
    """Whose school is suspended reads account-disabled too."""
    credential = organisers.of_suspended_school
    assert await _log_in(prosody, credential.username, credential.password) == "account-disabled"
