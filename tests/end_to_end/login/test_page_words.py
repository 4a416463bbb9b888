"""Jitsi's login dialog names the cause: strophe.js reads each refusal, and i18next picks our sentence."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome

from authbridge.jitsi import Transport, labels
from authbridge.letters import Language
from tests.support.login_server import TRANSPORTS, VERSIONS, login
from tests.support.scripted_service import answering, scripted_service
from workbench.processes import free_port
from workbench.prosody import HOST, Prosody, external

HELP = "Hilfe: 07461 926-0, Mo–Fr 7:30–16 Uhr"
REFUSALS = ("refused", "suspended", "expired", "locked", "unavailable")
WRONG = f"Anmeldename oder Passwort stimmt nicht. Bitte tippen Sie beides vom Brief ab. {HELP}"

# What the dialog shows over WebSocket.
SENTENCES = {
    "refused": WRONG,
    "suspended": f"Dieser Zugang ist gesperrt. {HELP}",
    "expired": f"Dieser Zugang ist abgelaufen. Bitte lassen Sie ihn verlängern. {HELP}",
    "locked": "Mit diesem Namen, oder von hier aus, wurde zu oft ein falsches Passwort eingegeben. Bitte "
    f"warten Sie einige Minuten und versuchen Sie es dann noch einmal. {HELP}",
    "unavailable": "Die Anmeldung kann gerade nicht geprüft werden. Das liegt nicht an Ihnen. Bitte "
    f"versuchen Sie es gleich noch einmal. {HELP}",
}
CONDITIONS = {
    "refused": "not-authorized",
    "suspended": "account-disabled",
    "expired": "credentials-expired",
    "locked": "temporary-auth-failure",
    "unavailable": "temporary-auth-failure",
}
FOREIGN = "Bitte geben Sie den Anmeldenamen vom Brief ein, keine E-Mail-Adresse."

_LOG_IN = """
const [url, jid, labels, tell] = arguments;
logIn(url, jid, "vpgd-kxwj-rhms").then((outcome) => tell([outcome, shown(outcome, labels)]));
"""


@pytest.fixture(name="prosody", scope="module", params=VERSIONS)
def start_prosody(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prosody, int]]:
    """A Prosody whose page has the words, and the port on which it asks."""
    folder = tmp_path_factory.mktemp("words")
    token = folder / "token"
    token.write_text("t" * 64)
    port = free_port()
    options = external(f"http://127.0.0.1:{port}", token, external_auth_page_words=True)
    prosody = Prosody(request.param, folder, {HOST: options})
    prosody.start()
    yield prosody, port
    prosody.stop()


@pytest.fixture(name="page")
def open_page(browser: Chrome, page_url: str) -> Chrome:
    """The login page, freshly opened."""
    browser.get(page_url)
    return browser


async def try_on_page(
    page: Chrome, prosody: Prosody, transport: Transport, jid: str
) -> tuple[dict[str, Any], str]:
    """Logs in as Jitsi's page does; returns what strophe told, and what the dialog shows."""
    url = {
        Transport.BOSH: f"http://127.0.0.1:{prosody.http_port}/http-bind?room=probe",
        Transport.WEBSOCKET: f"ws://127.0.0.1:{prosody.http_port}/xmpp-websocket?room=probe",
    }[transport]
    document = json.loads(json.dumps(labels(Language.GERMAN, HELP, transport)))
    outcome, shown = await asyncio.to_thread(page.execute_async_script, _LOG_IN, url, jid, document)
    return outcome, shown


@pytest.mark.parametrize("verdict", REFUSALS)
async def test_over_websocket_the_dialog_names_the_cause(
    page: Chrome, prosody: tuple[Prosody, int], verdict: str
) -> None:
    """Each refusal has its sentence, with the operator's telephone."""
    server, port = prosody
    async with scripted_service(port, answering(verdict)):
        outcome, shown = await try_on_page(page, server, Transport.WEBSOCKET, f"ohg-kwtx@{HOST}")
    assert shown == SENTENCES[verdict]
    assert ("AUTHFAIL" in outcome["statuses"]) == (verdict == "refused")


@pytest.mark.parametrize("verdict", REFUSALS)
async def test_over_bosh_the_dialog_says_what_is_true_of_all(
    page: Chrome, prosody: tuple[Prosody, int], verdict: str
) -> None:
    """It stays with the SASL failures, for which the page has one sentence."""
    server, port = prosody
    async with scripted_service(port, answering(verdict)):
        outcome, shown = await try_on_page(page, server, Transport.BOSH, f"ohg-kwtx@{HOST}")
    assert "AUTHFAIL" in outcome["statuses"]
    assert shown.startswith("Die Anmeldung ist nicht gelungen. Meist stimmt")
    assert shown.endswith(HELP)


async def test_the_dialog_goes_on(page: Chrome, prosody: tuple[Prosody, int]) -> None:
    """After such an end the next try on the page is a fresh one."""
    server, port = prosody
    async with scripted_service(port, answering("locked")):
        await try_on_page(page, server, Transport.WEBSOCKET, f"ohg-kwtx@{HOST}")
    async with scripted_service(port, answering("granted")):
        outcome, _ = await try_on_page(page, server, Transport.WEBSOCKET, f"ohg-kwtx@{HOST}")
    assert "CONNECTED" in outcome["statuses"]


@pytest.mark.parametrize("transport", list(Transport))
async def test_an_e_mail_address_is_no_login_name(
    page: Chrome, prosody: tuple[Prosody, int], transport: Transport
) -> None:
    """Jitsi's page takes its domain for the server; nobody is asked, and the dialog says what to type."""
    server, port = prosody
    async with scripted_service(port, answering("granted")) as questions:
        _, shown = await try_on_page(page, server, transport, "anna@schule.example")
    assert FOREIGN in shown
    assert "{" not in shown
    assert questions == []


@pytest.mark.parametrize("verdict", REFUSALS)
async def test_other_clients_keep_the_sasl_conditions(prosody: tuple[Prosody, int], verdict: str) -> None:
    """Clients over TCP, BOSH, or a WebSocket that names no room get SASL failures, as without the option."""
    server, port = prosody
    async with scripted_service(port, answering(verdict)):
        told = [await login(server, transport, "ohg-kwtx", "vpgd-kxwj-rhms") for transport in TRANSPORTS]
    assert told == [CONDITIONS[verdict]] * 3
