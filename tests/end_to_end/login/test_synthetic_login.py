"""The synthetic login says what a browser would meet, through real Prosodys: each way in which it can go."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from authbridge.clock import utc_now
from authbridge.login.passwords import generate_password
from authbridge.login.synthetic_accounts import draw_username
from authbridge.storage.database import Database
from authbridge.storage.models import LoginAttempt, LoginFailure
from authbridge.synthetic_login import records
from authbridge.synthetic_login.bosh import BoshServer, Credentials
from authbridge.synthetic_login.bosh import try_login as try_over_bosh
from authbridge.synthetic_login.outcomes import SyntheticOutcome
from tests.support.call_server import CallServer
from tests.support.factories import HASHER
from tests.support.login_server import TRANSPORTS, VERSIONS, make_client
from tests.support.nginx import Nginx
from tests.support.scripted_service import answering, scripted_service
from tests.support.smtp import Mailbox, smtp_server
from tests.support.synthetic_logins import state_of, try_login
from workbench.processes import PATIENCE, free_port
from workbench.prosody import HOST, Prosody, external
from workbench.service import Service
from workbench.xmpp import ConnectionEndedError

CREDENTIALS = Credentials("~synthetic-kwtxbdfgkwtxbdfg", right="vpgd-kxwj-rhms", wrong="bbdf-ghjk-mnpr")


def bosh_of(prosody: Prosody) -> str:
    """The address of BOSH on Prosody's own port."""
    return f"http://127.0.0.1:{prosody.http_port}/http-bind"


def count(service: Service, *models: type[LoginAttempt] | type[LoginFailure]) -> int:
    """The rows in these tables."""
    database = Database(service.database_url)
    with database.read_session() as session:
        found = sum(session.scalar(select(func.count()).select_from(each)) or 0 for each in models)
    database.engine.dispose()
    return found


def test_a_login_is_granted_and_leaves_nothing_in_the_journal(prosody: Prosody, service: Service) -> None:
    """Right and wrong password, over BOSH, with a hash each; only the result is kept."""
    before = count(service, LoginAttempt, LoginFailure)

    ended = try_login(service, bosh_of(prosody))

    assert ended.code == 0, ended
    assert ended.said.startswith("The login succeeded, and a wrong password was refused. (")
    state = state_of(service)
    assert state.result.outcome is SyntheticOutcome.GRANTED
    assert (state.failures, state.failing_since) == (0, None)
    assert state.result.milliseconds is not None
    assert count(service, LoginAttempt, LoginFailure) == before


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_with_its_password_nobody_opens_a_meeting(
    prosody: Prosody, service: Service, transport: str
) -> None:
    """Prosody lets the account in and binds no session to it: no stanza of it reaches anybody."""
    username, password = draw_username(), generate_password()
    database = Database(service.database_url)
    with database.write_session() as session:
        hashed = HASHER.hash(password, generated=True).hash
        records.begin(session, "meet-1", username, hashed, now=utc_now())
    database.engine.dispose()

    async with make_client(prosody, transport) as client:
        assert (await client.login(username, password)).condition == "success"
        with pytest.raises(ConnectionEndedError, match="no JID"):
            await client.bind()


@pytest.fixture(name="asking", scope="module", params=VERSIONS)
def start_prosody(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prosody, int]]:
    """Runs a Prosody that asks on a port where nobody listens yet."""
    folder, port = tmp_path_factory.mktemp("asking"), free_port()
    token = folder / "token"
    token.write_text("t" * 64)
    options = external(f"http://127.0.0.1:{port}", token)
    guests = {"authentication": "anonymous"}
    prosody = Prosody(request.param, folder, {HOST: options, "guest.meet.test": guests})
    prosody.start()
    yield prosody, port
    prosody.stop()


@pytest.mark.parametrize(
    ("verdict", "outcome", "detail"),
    [
        ("granted", SyntheticOutcome.WRONG_GRANTED, ""),
        ("suspended", SyntheticOutcome.UNEXPECTED, "account-disabled"),
        ("expired", SyntheticOutcome.UNEXPECTED, "credentials-expired"),
        ("locked", SyntheticOutcome.UNAVAILABLE, "temporary-auth-failure"),
        ("unavailable", SyntheticOutcome.UNAVAILABLE, "temporary-auth-failure"),
        ("refused", SyntheticOutcome.REFUSED, "not-authorized"),
    ],
)
async def test_each_answer_of_the_service_is_told_apart(
    asking: tuple[Prosody, int], verdict: str, outcome: SyntheticOutcome, detail: str
) -> None:
    """A service that lets everybody in is the worst of them, and no success."""
    prosody, port = asking
    async with scripted_service(port, answering(verdict)):
        result = await asyncio.to_thread(try_over_bosh, BoshServer(bosh_of(prosody), HOST), CREDENTIALS)

    assert (result.outcome, result.detail) == (outcome, detail)


def test_a_service_that_is_away_is_told_from_a_prosody_that_is_away(asking: tuple[Prosody, int]) -> None:
    """And a host that Prosody does not know, or on which nobody has a password, from both."""
    url = bosh_of(asking[0])
    nobody = f"http://127.0.0.1:{free_port()}/http-bind"
    results = [
        try_over_bosh(BoshServer(address, host), CREDENTIALS)
        for address, host in (
            (url, HOST),
            (nobody, HOST),
            (url, "other.test"),
            (url, "guest.meet.test"),
            (f"{url}x", HOST),
        )
    ]

    assert [(result.outcome, result.detail) for result in results] == [
        (SyntheticOutcome.UNAVAILABLE, "temporary-auth-failure"),
        (SyntheticOutcome.UNREACHABLE, "Connection refused"),
        (SyntheticOutcome.UNKNOWN_HOST, "improper-addressing"),
        (SyntheticOutcome.NO_PASSWORD, ""),
        (SyntheticOutcome.HTTP_STATUS, "404"),
    ]


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\n"])
async def test_a_server_that_hangs_is_left(drip: bytes) -> None:
    """Whether it says nothing, or begins and goes no further, however often it says something more."""

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(drip)
            while True:
                await asyncio.sleep(0.05)
                writer.write(drip and b"X: x\r\n")
                await writer.drain()

    server = CallServer(serve)
    url = f"http://127.0.0.1:{await server.listen(0)}/http-bind"
    try:
        async with asyncio.timeout(PATIENCE):
            result = await asyncio.to_thread(try_over_bosh, BoshServer(url, HOST), CREDENTIALS, patience=0.3)
    finally:
        await server.end()  # which lets go of a login that would never end

    assert result.outcome is SyntheticOutcome.NO_ANSWER


@pytest.mark.parametrize(
    "answer",
    [
        b"<html/>",
        b"welcome",
        b"",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>",
        b"<body>" + b" " * 70_000 + b"</body>",
    ],
)
async def test_what_is_not_prosody_is_no_success(answer: bytes) -> None:
    """A page that says that the machine is being maintained, for example, with the status 200."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"</body>")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
        await writer.drain()

    server = CallServer(serve)
    url = f"http://127.0.0.1:{await server.listen(0)}/http-bind"
    result = await asyncio.to_thread(try_over_bosh, BoshServer(url, HOST), CREDENTIALS)
    await server.end()

    assert result.outcome is SyntheticOutcome.UNEXPECTED


def test_it_goes_through_nginx_as_browsers_do(prosody: Prosody, service: Service, tmp_path: Path) -> None:
    """With the certificate of an authority that was named; without, the password is not sent."""
    location = f"location = /http-bind {{ proxy_pass {bosh_of(prosody)}; proxy_set_header Host {HOST}; }}"
    nginx = Nginx(
        tmp_path, {"site": location, "broken": "location / { return 502; }"}, encrypted=frozenset({"site"})
    )
    nginx.start()
    try:
        url, ca_file = f"{nginx.url('site')}/http-bind", str(tmp_path / "site.crt")
        untrusted = try_login(service, url)
        granted = try_login(service, url, CA_FILE=ca_file)
        no_file = try_login(service, url, CA_FILE=str(tmp_path / "none.crt"))
        broken = try_login(service, f"{nginx.url('broken')}/http-bind")
    finally:
        nginx.stop()

    assert granted.code == 0, granted
    assert (untrusted.code, untrusted.said) == (
        1,
        "The certificate of the meeting server is not valid. (self-signed certificate)",
    )
    assert (no_file.code, "AUTHBRIDGE_CA_FILE" in no_file.said) == (1, True)
    assert (broken.code, broken.said) == (1, "The web server did not pass the login on. (502)")
    assert "Traceback" not in f"{untrusted.complained}{no_file.complained}{broken.complained}"


def test_staff_are_mailed_when_logins_fail_and_when_they_work_again(
    prosody: Prosody, service: Service, tmp_path: Path
) -> None:
    """Through a real mail server, run by run as the timer does it: one mail each, and none in between."""
    file = tmp_path / "synthetic-login.json"
    mailbox = Mailbox()
    nobody = f"http://127.0.0.1:{free_port()}/http-bind"
    counts = []
    with smtp_server(mailbox, None) as port:
        mail = {"ALERT_MAIL_TO": "it@kmz.test", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}
        for url in (bosh_of(prosody), nobody, nobody, nobody, bosh_of(prosody), bosh_of(prosody)):
            try_login(service, url, "--alert-state", str(file), **mail)
            counts.append(len(mailbox.envelopes))
        silent = try_login(service, nobody, **mail)

    assert counts == [0, 0, 1, 1, 2, 2]
    assert silent.code == 1
    assert [each["Subject"] for each in mailbox.mails] == [
        f"{HOST}: Anmeldung gestört / logins fail",
        f"{HOST}: Anmeldung gelingt wieder / logins work again",
    ]
    assert (
        "Der Besprechungsserver ist nicht erreichbar. (Connection refused)" in mailbox.mails[0].get_content()
    )


@pytest.mark.parametrize("prosody", VERSIONS[:1], indirect=True)
def test_a_database_that_is_gone_is_mailed_too(prosody: Prosody, service: Service, tmp_path: Path) -> None:
    """What was told stands in a file: without its database nobody gets in, and somebody has to hear of it."""
    file = tmp_path / "synthetic-login.json"
    mailbox = Mailbox()
    with smtp_server(mailbox, None) as port:
        settings = {"ALERT_MAIL_TO": "it@kmz.test", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port)}
        gone = {**settings, "DATABASE_URL": f"sqlite:///{tmp_path}/gone/authbridge.db"}
        ended = [try_login(service, bosh_of(prosody), "--alert-state", str(file), **gone) for _ in range(2)]
        lost = try_login(service, bosh_of(prosody), "--alert-state", str(tmp_path / "none/state"), **settings)

    assert [each.code for each in ended] == [4, 4]
    assert "Traceback" not in ended[1].complained
    (mail,) = mailbox.mails
    assert "The database does not answer." in mail.get_content()
    assert (lost.code, "Mails may come again at each login." in lost.complained) == (3, True)
