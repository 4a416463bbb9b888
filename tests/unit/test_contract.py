"""The Python side of the wire keeps to the contract that the Lua side keeps to."""

import json
from pathlib import Path
from typing import Any

import pytest

from authbridge import wire
from authbridge.policy import Decision, Reason, Verdict
from authbridge.usernames import canonical
from tests.fakes import MORNING

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parent.parent / "contract.json").read_text())
HOST = "meet.test"


def body_with(**changes: object) -> bytes:
    """The contract's question with some fields changed; an ellipsis removes one."""
    fields = CONTRACT["question"]["body"] | changes
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def test_the_vocabulary_is_the_contracts() -> None:
    """Every verdict is known to both sides, and no other."""
    assert {verdict.value for verdict in Verdict} == set(CONTRACT["verdicts"])


def test_the_contracts_question_is_understood() -> None:
    """Nothing of what the module sends is lost."""
    expected = CONTRACT["question"]["body"]

    question = wire.parse_question(body_with(), host=HOST, now=MORNING)

    attempt, origin = question.attempt, question.origin
    assert (attempt.username, attempt.password) == (expected["username"], expected["password"])
    assert (attempt.ip, attempt.user_agent) == (expected["ip"], expected["user_agent"])
    assert (origin.request_id, origin.node) == (expected["request_id"], expected["node"])
    assert (origin.transport, question.within) == (expected["transport"], expected["within"])


def test_the_answer_has_the_contracts_fields() -> None:
    """The answer repeats whom it is about."""
    answer = wire.answer("q-1", "ohg-kwtx", Decision(Verdict.GRANTED, Reason.IN_ORDER))

    assert list(answer) == CONTRACT["answer_fields"]
    assert json.loads(json.dumps(answer)) == CONTRACT["answers"][0]["body"]


@pytest.mark.parametrize("name", CONTRACT["names"], ids=lambda name: name["case"])
def test_names_are_read_alike(name: dict[str, str]) -> None:
    """What the module makes of a typed name is what the service makes of it."""
    assert canonical(name["typed"], HOST) == name["canonical"]


@pytest.mark.parametrize("typed", ["ohg-\u1e9exx", "ohg-\u00dfxx", "o\u212awtx", "ohg\0kwtx", "ohg-\udcff"])
def test_what_is_not_ascii_is_nobodys_name(typed: str) -> None:
    """Prosody and Python fold some letters differently; no account may log in under two addresses."""
    assert "?" in canonical(typed, HOST)


def test_the_service_folds_case_for_callers_other_than_prosody() -> None:
    """Prosody lower-cases names itself; the ejabberd side does not."""
    assert canonical("OHG-kwtx", HOST) == "ohg-kwtx"


@pytest.mark.parametrize("field", ["ip", "user_agent"])
def test_what_may_be_unknown_may_be_missing(field: str) -> None:
    """An address or a browser that Prosody does not know is null or left out."""
    for value in (None, ...):
        question = wire.parse_question(body_with(**{field: value}), host=HOST, now=MORNING)
        assert getattr(question.attempt, field) is None


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8::0007", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("unix:", None),
        ("198.51.100.7, 10.0.0.1", None),
    ],
)
def test_an_address_is_canonical_or_unknown(sent: str, known: str | None) -> None:
    """One address has one form, and nonsense earns no trust."""
    assert wire.parse_question(body_with(ip=sent), host=HOST, now=MORNING).attempt.ip == known


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"granted", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"[" * 4000, id="deeply nested"),
        pytest.param(body_with(request_id=...), id="no id"),
        pytest.param(body_with(request_id=7), id="id is a number"),
        pytest.param(body_with(request_id="x" * 65), id="long id"),
        pytest.param(body_with(username=...), id="no name"),
        pytest.param(body_with(username=["a"]), id="name is a list"),
        pytest.param(body_with(username=""), id="empty name"),
        pytest.param(body_with(password=None), id="no password"),
        pytest.param(body_with(password={"$ne": ""}), id="password is an object"),
        pytest.param(body_with(transport="carrier-pigeon"), id="unknown transport"),
        pytest.param(body_with(node=...), id="no node"),
        pytest.param(body_with(ip=7), id="ip is a number"),
        pytest.param(body_with(request_id="q\n1"), id="id with a line end"),
        pytest.param(body_with(node="node\0"), id="node with NUL"),
        pytest.param(body_with(user_agent="x" * 257), id="long user agent"),
        pytest.param(body_with(user_agent=["x"]), id="user agent is a list"),
        pytest.param(body_with(user_agent="Mozilla\udcff"), id="user agent is no UTF-8"),
        pytest.param(body_with(within=...), id="no within"),
        pytest.param(body_with(within="15"), id="within is a text"),
        pytest.param(body_with(within=True), id="within is a truth"),
        pytest.param(body_with(within=-1), id="negative within"),
        pytest.param(body_with(within=61), id="long within"),
        pytest.param(body_with().replace(b"14.5", b"NaN"), id="within is no number"),
        pytest.param(body_with(host=...), id="no host"),
    ],
)
def test_a_malformed_question_is_not_guessed_at(body: bytes) -> None:
    """What does not keep to the form raises, naming a field and no content."""
    with pytest.raises(wire.MalformedError) as raised:
        wire.parse_question(body, host=HOST, now=MORNING)

    assert "vpgd" not in str(raised.value)


def test_a_question_about_another_host_is_not_ours() -> None:
    """A service answers for its own host only."""
    with pytest.raises(wire.ForeignHostError):
        wire.parse_question(body_with(host="other.test"), host=HOST, now=MORNING)


def test_bytes_that_are_no_utf8_reach_the_password_check() -> None:
    """They are refused there like any wrong password, and take as long."""
    body = body_with().replace(b"vpgd-kxwj-rhms", b"\xff\xfe")

    assert wire.parse_question(body, host=HOST, now=MORNING).attempt.password == "\udcff\udcfe"
