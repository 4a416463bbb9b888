"""The Python side of the wire keeps to the contract that the Lua side keeps to."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authbridge import wire
from authbridge.errors import InputError
from authbridge.login import policy, synthetic_accounts
from authbridge.login.policy import Decision, Reason, Verdict
from authbridge.login.usernames import Username, normalise_username, parse_username
from authbridge.page_tokens.pseudonyms import pseudonym
from authbridge.page_tokens.token_logins import TokenLogin, TokenUse
from authbridge.revocations import feed, long_polls
from authbridge.revocations.feed import AccessState, Event, Events, Snapshot
from authbridge.revocations.numbered_reports import NumberedReport
from authbridge.revocations.reports import Contact, NodeReport
from authbridge.revocations.school_codes import SchoolCodes
from authbridge.storage.models import MeetingRule, RevocationAction
from tests.support.fakes import MORNING

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parent.parent / "contract.json").read_text())
HOST = "meet.test"
FEED: dict[str, Any] = CONTRACT["revocations"]
EPOCH = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


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
    assert (question.typed_username, attempt.password.text) == (expected["username"], expected["password"])
    assert attempt.username == normalise_username(expected["username"], HOST)
    assert (str(attempt.ip), attempt.user_agent) == (expected["ip"], expected["user_agent"])
    assert (origin.request_id, origin.node) == (expected["request_id"], expected["node"])
    assert (origin.transport, question.within) == (expected["transport"], expected["within"])


def test_the_answer_has_the_contracts_fields() -> None:
    """The answer repeats the name that it is about, and tells the school of an organiser who got in."""
    answer = wire.answer("q-1", "ohg-kwtx", Decision(Verdict.GRANTED, Reason.IN_ORDER, school="ohg"))

    assert list(answer) == CONTRACT["answer_fields"]
    assert json.loads(json.dumps(answer)) == CONTRACT["answers"][0]["body"]


def test_the_contracts_question_about_a_token_is_understood() -> None:
    """A token of the greatest length too; one that is longer is none."""
    longest = CONTRACT["tokens"]["longest"]
    body = CONTRACT["question"]["body"] | {"sessions": "none"}
    fields = {name: body.get(name) for name in CONTRACT["tokens"]["question_fields"]}

    def parse(token: str) -> TokenUse:
        return wire.parse_token_question(
            json.dumps(fields | {"token": token}).encode(), host=HOST, now=MORNING
        )

    question = parse("a" * longest)

    assert question.token == "a" * longest
    assert (question.origin.request_id, str(question.arrival.ip)) == ("q-1", "198.51.100.7")
    with pytest.raises(wire.MalformedError, match="token"):
        parse("a" * (longest + 1))


@pytest.mark.parametrize("is_granted", [True, False])
def test_the_answer_about_a_token_has_the_contracts_fields(*, is_granted: bool) -> None:
    """It names the organiser only where the token lets in."""
    decision = (
        Decision(Verdict.GRANTED, Reason.IN_ORDER, school="ohg") if is_granted else policy.SESSION_ENDED
    )

    answer = wire.token_answer("q-1", TokenLogin(decision, Username("ohg-kwtx"), shared=True))

    assert list(answer) == CONTRACT["tokens"]["answer_fields"]
    assert (answer["username"], answer["school"], answer["shared"]) == (
        ("ohg-kwtx", "ohg", True) if is_granted else (None, None, False)
    )


def test_pseudonyms_are_made_alike() -> None:
    """Prosody knows an organiser by what the token says, and by what it makes of the name in an order."""
    expected = CONTRACT["pseudonyms"]

    assert expected["of"] == {
        name: pseudonym(expected["api_token"], expected["host"], name) for name in expected["of"]
    }


@pytest.mark.parametrize("name", CONTRACT["names"], ids=lambda name: name["case"])
def test_names_are_read_alike(name: dict[str, str]) -> None:
    """What the module makes of a typed name is what the service makes of it."""
    assert normalise_username(name["typed"], HOST) == name["canonical"]


def test_a_synthetic_login_is_known_by_its_name() -> None:
    """Prosody binds no session to such a name, and no organiser can have it."""
    drawn = synthetic_accounts.draw_username()

    assert len(drawn) == len(CONTRACT["synthetic_name"])
    assert normalise_username(drawn, HOST) == drawn
    for name in (drawn, CONTRACT["synthetic_name"]):
        assert synthetic_accounts.is_synthetic(name)
        with pytest.raises(InputError):
            parse_username(name)
    assert not synthetic_accounts.is_synthetic(Username("synthetic-kwtx"))


@pytest.mark.parametrize("typed", ["ohg-\u1e9exx", "ohg-\u00dfxx", "o\u212awtx", "ohg\0kwtx", "ohg-\udcff"])
def test_what_is_not_ascii_is_nobodys_name(typed: str) -> None:
    """Prosody and Python fold some letters differently; no account may log in under two addresses."""
    assert "?" in normalise_username(typed, HOST)


def test_the_service_folds_case_for_callers_other_than_prosody() -> None:
    """Prosody lower-cases names itself; the ejabberd side does not."""
    assert normalise_username("OHG-kwtx", HOST) == "ohg-kwtx"


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
    ip = wire.parse_question(body_with(ip=sent), host=HOST, now=MORNING).attempt.ip
    assert (None if ip is None else str(ip)) == known


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

    assert wire.parse_question(body, host=HOST, now=MORNING).attempt.password.text == "\udcff\udcfe"


def feed_body(**changes: object) -> bytes:
    """A report of the contract with some fields changed; an ellipsis removes one."""
    fields = FEED["questions"][2]["body"] | changes
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def test_the_actions_and_limits_of_the_feed_are_the_contracts() -> None:
    """What the module has to reckon with."""
    assert [action.value for action in RevocationAction] == FEED["actions"]
    assert FEED["longest_wait"] == long_polls.LONGEST_WAIT
    assert FEED["most_events"] == feed.MOST_EVENTS


def test_the_contracts_questions_about_revocations_are_understood() -> None:
    """First contact, nothing to report, reports, and what Lua makes of empty tables."""
    asked = [
        wire.parse_feed_question(json.dumps(question["body"]).encode()) for question in FEED["questions"]
    ]

    reports = (NodeReport(8, 2, 1, 1), NodeReport(9, 0, 0, 0))
    opened = NumberedReport("bXV4ZXMgd2llZGVy", 5, {"ohg-bbbb": 2, "ohg-cccc": 1})
    rules = NumberedReport("bXV4ZXMgd2llZGVy", 6, {}, {MeetingRule.NAMES: 3, MeetingRule.RECORDING: 1})
    assert [question.contact for question in asked] == [
        Contact("node-a", None, 0),
        Contact("node-a", EPOCH, 7),
        Contact("node-a", EPOCH, 9, reports, {"ohg-bbbb": 2}),
        Contact("node-a", EPOCH, 10, (NodeReport(10, 1, 1, 0, waiting=1),)),
        Contact("node-a", EPOCH, 10, (NodeReport(10, 1, 1, 1, waiting=0),)),
        Contact("node-a", EPOCH, 9, (), {"ohg-bbbb": 2, "ohg-cccc": 1, "": 4}),
        Contact("node-a", EPOCH, 9, numbered=opened),
        Contact("node-a", EPOCH, 9, numbered=rules),
        Contact("node-a", EPOCH, 7),
    ]
    assert [question.wait for question in asked] == [15, 15, 15, 15, 15, 15, 15, 15, 0]
    assert [question.schools for question in asked] == ["", "993639206798f439", *[None] * 7]
    assert all(question["body"].keys() <= set(FEED["question_fields"]) for question in FEED["questions"])


def test_the_answers_about_revocations_are_the_contracts() -> None:
    """A snapshot with its moments as Unix time, events, and nothing new."""
    first, at = MORNING + timedelta(milliseconds=125), MORNING + timedelta(milliseconds=500)
    nothing = Events(EPOCH, 7, ())
    told: list[Events | Snapshot] = [
        Snapshot(
            EPOCH,
            7,
            (
                AccessState("ohg-kwtx", suspended=True, sessions_end_before=first),
                AccessState("ohg-bbbb", suspended=True, sessions_end_before=None),
                AccessState("ohg-cccc", suspended=False, sessions_end_before=MORNING - timedelta(seconds=10)),
            ),
            at,
        ),
        Snapshot(EPOCH, 0, (), at),
        Events(
            EPOCH,
            10,
            (
                Event(8, "ohg-kwtx", RevocationAction.SUSPEND),
                Event(9, "ohg-kwtx", RevocationAction.REINSTATE),
                Event(10, "ohg-cccc", RevocationAction.END_SESSIONS),
            ),
        ),
        nothing,
    ]

    schools = SchoolCodes("993639206798f439", ("gym", "ohg"))
    written = [*map(wire.feed_answer, told), wire.feed_answer(nothing, schools)]
    answers = [json.loads(json.dumps(each)) for each in written]
    assert answers == [answer["body"] for answer in FEED["answers"] if "kind" in answer]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"epoch": ..., "done": ..., "meetings": ..., "rules": ...}, id="left out"),
        pytest.param({"epoch": "", "done": None, "meetings": None, "rules": None}, id="empty"),
        pytest.param({"cursor": 9.0, "wait": 0.5}, id="numbers as Lua writes them"),
        pytest.param({"wait": 3600}, id="a long wait"),
        pytest.param({"new": "field"}, id="something newer"),
    ],
)
def test_a_question_about_revocations_may_vary(changes: dict[str, object]) -> None:
    """As far as it is clear what is meant."""
    question = wire.parse_feed_question(feed_body(**changes))

    assert (question.contact.node, question.contact.cursor) == ("node-a", 9)
    assert isinstance(question.contact.cursor, int)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param({"ohg-kwtx": 2.0}, {"ohg-kwtx": 2}, id="as Lua writes it"),
        pytest.param({"ohg-kwtx": 0, "ohg-bbbb": 1}, {"ohg-bbbb": 1}, id="none is nothing"),
        pytest.param({"x" * 1023: 1}, {"x" * 1023: 1}, id="the longest name"),
        pytest.param({"\ud800": 1}, {"\ud800": 1}, id="what is no letter"),
        pytest.param({"ohg-kwtx": 1_000_000}, {"ohg-kwtx": 1_000_000}, id="as many as can be"),
    ],
)
def test_running_meetings_are_numbers_by_name(sent: dict[str, float], kept: dict[str, int]) -> None:
    """Whole ones, and of those only who has any."""
    assert wire.parse_feed_question(feed_body(meetings=sent)).contact.meetings == kept


@pytest.mark.parametrize("empty", [[], {}, None])
def test_nothing_opened_is_nothing(empty: object) -> None:
    """As Lua writes an empty table, and as older modules do not."""
    assert wire.parse_feed_question(feed_body(opened=empty)).contact.numbered is None


def test_the_meeting_rules_are_the_contracts() -> None:
    """Both sides call them by the same names."""
    assert [rule.value for rule in MeetingRule] == CONTRACT["meeting_rules"]["ids"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("many", id="no object"),
        pytest.param({"number": 1, "meetings": {}}, id="without a run"),
        pytest.param({"run": "ü", "number": 1, "meetings": {}}, id="a run that is no plain text"),
        pytest.param({"run": "r", "meetings": {}}, id="without a number"),
        pytest.param({"run": "r", "number": 2**31, "meetings": {}}, id="a number no column holds"),
        pytest.param({"run": "r", "number": 1, "meetings": {"ohg-bbbb": -1}}, id="less than none"),
    ],
)
def test_a_report_of_opened_meetings_that_makes_no_sense_is_refused(wrong: object) -> None:
    """Rather than counted as something else."""
    with pytest.raises(wire.MalformedError, match=r"^(opened|run|meetings)"):
        wire.parse_feed_question(feed_body(opened=wrong))


_REPORT = {"id": 8, "sessions": 2, "meetings": 1, "logins": 1}


@pytest.mark.parametrize(
    ("sent", "waiting"),
    [
        pytest.param({}, 0, id="an older module"),
        pytest.param({"waiting": 0}, 0, id="nothing waits"),
        pytest.param({"waiting": 2.0}, 2, id="as Lua writes it"),
        pytest.param({"waiting": 1_000_000}, 1_000_000, id="as many as can be"),
    ],
)
def test_a_report_may_say_that_logins_wait(sent: dict[str, float], waiting: int) -> None:
    """It need not: older modules do not know that count."""
    (report,) = wire.parse_feed_question(feed_body(done=[_REPORT | sent])).contact.reports

    assert report == NodeReport(8, 2, 1, 1, waiting=waiting)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"node": ...}, id="no node"),
        pytest.param({"node": ""}, id="empty node"),
        pytest.param({"node": "x" * 65}, id="long node"),
        pytest.param({"node": "ü"}, id="node is not ASCII"),
        pytest.param({"epoch": 7}, id="epoch is a number"),
        pytest.param({"epoch": []}, id="epoch is a list"),
        pytest.param({"epoch": "x" * 65}, id="long epoch"),
        pytest.param({"cursor": ...}, id="no cursor"),
        pytest.param({"cursor": -1}, id="negative cursor"),
        pytest.param({"cursor": 1.5}, id="half a cursor"),
        pytest.param({"cursor": "9"}, id="cursor is a text"),
        pytest.param({"cursor": True}, id="cursor is a truth"),
        pytest.param({"cursor": 2**31}, id="cursor is too large for PostgreSQL"),
        pytest.param({"wait": ...}, id="no wait"),
        pytest.param({"wait": -1}, id="negative wait"),
        pytest.param({"wait": "15"}, id="wait is a text"),
        pytest.param({"wait": True}, id="wait is a truth"),
        pytest.param({"wait": float("nan")}, id="wait is no number"),
        pytest.param({"wait": float("inf")}, id="wait is endless"),
        pytest.param({"done": "8"}, id="reports are a text"),
        pytest.param({"done": {"8": _REPORT}}, id="reports are an object"),
        pytest.param({"done": [8]}, id="a report is a number"),
        pytest.param({"done": [_REPORT] * 101}, id="too many reports"),
        pytest.param({"done": [_REPORT | {"id": 2**31}]}, id="a report with a large id"),
        pytest.param({"done": [_REPORT | {"sessions": -1}]}, id="a negative count"),
        pytest.param({"done": [_REPORT | {"logins": None}]}, id="a missing count"),
        pytest.param({"done": [_REPORT | {"meetings": 1_000_001}]}, id="a count beyond belief"),
        pytest.param({"done": [_REPORT | {"waiting": -1}]}, id="fewer than none wait"),
        pytest.param({"done": [_REPORT | {"waiting": None}]}, id="no number waits"),
        pytest.param({"done": [_REPORT | {"waiting": 0.5}]}, id="half a login waits"),
        pytest.param({"done": [_REPORT | {"waiting": True}]}, id="that something waits is a truth"),
        pytest.param({"done": [_REPORT | {"waiting": 1_000_001}]}, id="more wait than can be believed"),
        pytest.param({"meetings": [1]}, id="meetings are a list"),
        pytest.param({"meetings": {"ohg-kwtx": "2"}}, id="meetings are a text"),
        pytest.param({"meetings": {"ohg-kwtx": -1}}, id="fewer meetings than none"),
        pytest.param({"meetings": {"ohg-kwtx": 1.5}}, id="half a meeting"),
        pytest.param({"meetings": {"ohg-kwtx": 1_000_001}}, id="meetings beyond belief"),
        pytest.param({"meetings": {"ohg-" * 256: 1}}, id="a name that no organiser can have"),
        pytest.param({"meetings": {"ü" * 512: 1}}, id="bytes count, not letters"),
        pytest.param({"rules": {"names": -1}}, id="a rule below nothing"),
        pytest.param({"rules": {"names": 1_000_001}}, id="a rule beyond belief"),
        pytest.param({"rules": "names"}, id="rules are a text"),
        pytest.param({"schools": 7}, id="the version of the schools is a number"),
        pytest.param({"schools": "x" * 65}, id="a long version of the schools"),
        pytest.param({"schools": "ü"}, id="a version of the schools that is no plain text"),
    ],
)
def test_a_malformed_question_about_revocations_is_not_guessed_at(changes: dict[str, object]) -> None:
    """What does not keep to the form raises, naming a field and no content."""
    with pytest.raises(wire.MalformedError) as raised:
        wire.parse_feed_question(feed_body(**changes))

    assert "ohg-" not in str(raised.value)
