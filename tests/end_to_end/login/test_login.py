"""Who is let in and what the others are told, on both versions over every transport."""

import asyncio
from pathlib import Path

import pytest

from authbridge.login.usernames import Username
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.combinations import each_once
from tests.support.login_server import TRANSPORTS, VERSIONS, Organisers, ProsodyFor, login, make_client
from workbench.prosody import Prosody
from workbench.service import Service

WRONG = "bcdf-ghjk-mnpq"
EACH_PLACE_ONCE = pytest.mark.parametrize(
    ("here", "there", "transport"),
    each_once(["sqlite", "postgresql"], VERSIONS, TRANSPORTS),
    indirect=["here", "there"],
)
MALFORMED = [
    b"",
    b"\0",
    b"no-nul-at-all",
    b"\0name-only",
    b"\0\0password-only",
    b"\0name\0",
    b"\0" + b"x" * 2000 + b"\0y",
    b"\0name\0" + b"x" * 2000,
    b"\0\xff\xfe\0x",
    b"\0name\0\xff\xfe",
    b"\0a@b@c\0x",
]


@pytest.fixture(name="here", params=["sqlite", "postgresql"])
def choose_storage(request: pytest.FixtureRequest) -> tuple[Service, Organisers]:
    """A service over either database, and the organisers in it."""
    prefix = "" if request.param == "sqlite" else "postgres_"
    return request.getfixturevalue(f"{prefix}service"), request.getfixturevalue(f"{prefix}organisers")


@pytest.fixture(name="there", params=VERSIONS)
def choose_version(
    request: pytest.FixtureRequest, prosody_for: ProsodyFor, here: tuple[Service, Organisers]
) -> tuple[Prosody, Organisers]:
    """A Prosody of either version that asks that service, and the same organisers."""
    service, organisers = here
    return prosody_for(request.param, service), organisers


def conditions(organisers: Organisers) -> list[tuple[str, IssuedCredential, str, str]]:
    """Case, organiser, typed password, what the client is told."""
    return [
        ("right password", organisers.active, organisers.active.password, "success"),
        ("wrong password", organisers.active, WRONG, "not-authorized"),
        ("unknown name", IssuedCredential(Username("ohg-zzzz"), ""), WRONG, "not-authorized"),
        ("suspended", organisers.suspended, organisers.suspended.password, "account-disabled"),
        ("suspended, wrong password", organisers.suspended, WRONG, "not-authorized"),
        (
            "school suspended",
            organisers.of_suspended_school,
            organisers.of_suspended_school.password,
            "account-disabled",
        ),
        ("school suspended, wrong password", organisers.of_suspended_school, WRONG, "not-authorized"),
        ("expired", organisers.expired, organisers.expired.password, "credentials-expired"),
        ("expired, wrong password", organisers.expired, WRONG, "not-authorized"),
    ]


@EACH_PLACE_ONCE
async def test_every_login_gets_its_condition(there: tuple[Prosody, Organisers], transport: str) -> None:
    """The conditions of RFC 6120, each on a stream of its own; without the password all are alike."""
    prosody, organisers = there
    cases = conditions(organisers)

    told = await asyncio.gather(
        *(login(prosody, transport, who.username, typed) for _, who, typed, _ in cases)
    )

    assert dict(zip([case for case, *_ in cases], told, strict=True)) == {
        case: condition for case, _, _, condition in cases
    }


@EACH_PLACE_ONCE
async def test_the_same_stream_may_try_again(there: tuple[Prosody, Organisers], transport: str) -> None:
    """After each kind of failure the next try on the stream is a fresh one, up to the success."""
    prosody, organisers = there
    tries = [case for case in conditions(organisers) if case[3] != "success"]

    async with make_client(prosody, transport) as client:
        told = [(await client.login(who.username, typed)).condition for _, who, typed, _ in tries]
        assert told == [condition for *_, condition in tries]
        assert (
            await client.login(organisers.active.username, organisers.active.password)
        ).condition == "success"
        assert (await client.bind()).startswith(f"{organisers.active.username}@meet.test/")
        await client.ping()


@pytest.mark.parametrize(("version", "transport"), each_once(VERSIONS, TRANSPORTS))
async def test_a_suspension_counts_from_the_next_login_and_so_does_its_end(
    prosody_for: ProsodyFor, service: Service, organisers: Organisers, version: str, transport: str
) -> None:
    """Suspended by one command, reinstated by another: each takes effect at once."""
    prosody = prosody_for(version, service)
    name, password = organisers.active.username, organisers.active.password

    await asyncio.to_thread(service.command, "suspend", "organiser", name, "--reason", "letter-lost")
    assert await login(prosody, transport, name, password) == "account-disabled"

    await asyncio.to_thread(service.command, "reinstate", "organiser", name)
    assert await login(prosody, transport, name, password) == "success"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_name_is_understood_as_it_is_typed(
    prosody: Prosody, organisers: Organisers, transport: str
) -> None:
    """Blanks, capitals and our own domain do not matter, nor how the generated password is grouped."""
    name = f"\u00a0 {organisers.active.username.upper()}@MEET.test "
    password = organisers.active.password.replace("-", " ").upper()

    assert await login(prosody, transport, name, password) == "success"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_unknown_name_and_wrong_password_are_told_in_the_same_words(
    prosody: Prosody, organisers: Organisers, transport: str
) -> None:
    """The text says no more than the condition."""
    async with make_client(prosody, transport) as client:
        wrong = await client.login(organisers.active.username, WRONG)
        unknown = await client.login("ohg-zzzz", WRONG)
        suspended = await client.login(organisers.suspended.username, WRONG)

    assert wrong == unknown == suspended
    assert wrong.text == "Login name or password is wrong."


@pytest.mark.parametrize(
    ("prosody", "transport", "message"), each_once(VERSIONS, TRANSPORTS, MALFORMED), indirect=["prosody"]
)
async def test_a_malformed_login_is_answered_and_harms_nobody(
    prosody: Prosody, organisers: Organisers, transport: str, message: bytes
) -> None:
    """Whatever arrives, the client gets an answer, and the next login on the stream is as ever."""
    async with make_client(prosody, transport) as client:
        await client.authenticate("PLAIN", message)
        outcome = await client.read_outcome()
        assert outcome.condition in {"malformed-request", "not-authorized"}
        assert (
            await client.login(organisers.active.username, organisers.active.password)
        ).condition == "success"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_only_passwords_are_offered(prosody: Prosody, transport: str) -> None:
    """No mechanism leads past our service."""
    async with make_client(prosody, transport) as client:
        assert client.mechanisms == ["PLAIN"]
        for mechanism in ("ANONYMOUS", "EXTERNAL", "SCRAM-SHA-1", "OAUTHBEARER"):
            await client.authenticate(mechanism, b"x")
            assert (await client.read_outcome()).condition == "invalid-mechanism"


async def test_a_client_that_leaves_during_the_check_leaves_no_trace_of_trouble(
    prosody: Prosody, organisers: Organisers
) -> None:
    """The login is checked to its end, nobody is told, and nothing is logged as an error."""
    for transport in TRANSPORTS:
        async with make_client(prosody, transport) as client:
            message = f"\0{organisers.active.username}\0{organisers.active.password}".encode()
            if transport == "bosh":
                sending = asyncio.ensure_future(client.authenticate("PLAIN", message))
                await asyncio.sleep(0)
                sending.cancel()
            else:
                await client.authenticate("PLAIN", message)
    assert await login(prosody, "tcp", organisers.active.username, organisers.active.password) == "success"

    assert not [
        line for line in prosody.log.read_text().splitlines() if "\terror\t" in line or "Traceback" in line
    ]


async def test_logins_one_after_the_other_share_a_connection_to_the_service(
    prosody: Prosody, service: Service
) -> None:
    """None of them leaves a closed connection behind, as each did when it had its own."""
    before = _closed_connections(service.port)
    for _ in range(20):
        assert await login(prosody, "tcp", "ohg-zzzz", WRONG) in {"not-authorized", "temporary-auth-failure"}

    assert _closed_connections(service.port) - before < 5


def _closed_connections(port: int) -> int:
    """Counts the connections to that port on loopback which the kernel remembers for a minute (TIME_WAIT)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[2] == f"0100007F:{port:04X}" and fields[3] == "06" for fields in lines)
