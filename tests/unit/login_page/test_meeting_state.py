"""The state of a link leads back to a meeting of our own server, or nowhere."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authbridge.login_page.meeting_state import (
    AppSchemes,
    Client,
    MeetingState,
    UnusableStateError,
    app_link,
    meeting_address,
    parse_state,
)

MEET = "https://meet.example.org"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJqaXRzaSJ9.c2lnbmF0dXJl"
SCHEMES = AppSchemes(mobile="org.example.classroom", desktop="jitsi-meet")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["room", "roomSafe", "tenant", "ios", "android", "electron"])
_KEYS = st.text("abc._-<&#=/ ", max_size=12).map("config.{}".format) | st.text() | _NAMES
_STATES = st.dictionaries(_KEYS, _JSON, max_size=6)
_ROOMS = st.text(min_size=1) | st.text("./\\%25ef#?&=@:", min_size=1, max_size=12)


def state_of(**fields: object) -> str:
    """A state as Jitsi's page writes it; "__" in a name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return json.dumps({"room": "physik-7b", "roomSafe": "physik-7b"} | named)


def read_fragment(fragment: str) -> dict[str, Any]:
    """Reads a fragment as Jitsi's page does."""
    pairs = [part.partition("=") for part in fragment.split("&")] if fragment else []
    return {key: json.loads(unquote(value)) for key, _, value in pairs}


def test_a_state_of_jitsis_page_leads_back_with_all_that_it_said() -> None:
    """Muted microphone, no second pre-join page, a title, and what stood in the page's own fragment."""
    state = parse_state(
        state_of(
            tenant="ohg",
            config__startWithAudioMuted=True,
            config__prejoinConfig__enabled=False,
            config__subject="„Physik“ & mehr",
            config__localSubject="",
            config__startLastN="4",  # of the fragment: JSON as a text
            interfaceConfig__APP_NAME='"Klassenraum"',
        )
    )

    address = urlsplit(meeting_address(MEET, state, TOKEN))

    assert (address.scheme, address.netloc, address.path) == ("https", "meet.example.org", "/ohg/physik-7b")
    assert read_fragment(address.fragment) == {
        "jwt": TOKEN,
        "config.startWithAudioMuted": True,
        "config.prejoinConfig.enabled": False,
        "config.subject": "„Physik“ & mehr",
        "config.startLastN": 4,
        "interfaceConfig.APP_NAME": "Klassenraum",
    }
    # Jitsi's page makes plain quotation marks of printed ones before it reads a text.
    assert not set("„“”‘’") & set(unquote(address.fragment))


@pytest.mark.parametrize(("subject", "title"), [("2026", "2026"), ('"Elternabend"', "Elternabend")])
def test_a_title_stays_a_text(subject: str, title: str) -> None:
    """Also one that could be read as a number; one of the page's fragment loses its quotation marks."""
    assert parse_state(state_of(config__subject=subject)).overrides == (("config.subject", title),)


@pytest.mark.parametrize("room", ["Klasse 5a", "Klasse%205a"])
def test_a_room_is_the_same_encoded_or_not(room: str) -> None:
    """Jitsi's page writes it as it stands in its address."""
    state = parse_state(json.dumps({"room": room}))
    assert state.room == "Klasse 5a"
    assert meeting_address(MEET, state) == f"{MEET}/Klasse%205a"


@pytest.mark.parametrize(
    "state",
    [
        "",
        "x",
        "[]",
        "null",
        '"room"',
        "<script>alert(1)</script>",
        "https://evil.example",
        "[" * 4000,
        '{"a":' * 700,
        json.dumps({}),
        json.dumps({"room": 7}),
        json.dumps({"room": ""}),
        json.dumps({"room": "  "}),
        json.dumps({"room": ["x"]}),
        json.dumps({"room": "/evil.example"}),
        json.dumps({"room": "//evil.example"}),
        json.dumps({"room": "%2F%2Fevil.example"}),
        json.dumps({"room": "\\\\evil.example"}),
        json.dumps({"room": "."}),
        json.dumps({"room": ".."}),
        json.dumps({"room": "%2e%2E"}),
        json.dumps({"room": "a\r\nSet-Cookie: x=1"}),
        json.dumps({"room": "a%0d%0aSet-Cookie: x=1"}),
        json.dumps({"room": "\u202egnp.exe"}),
        json.dumps({"room": "\ud800"}),
        json.dumps({"room": "x" * 257}),
        json.dumps({"room": "x", "tenant": "a/b"}),
        json.dumps({"room": "x", "tenant": ".."}),
        json.dumps({"room": "logout", "tenant": "_AuthBridge"}),
        json.dumps({"room": "x", "tenant": 7}),
        json.dumps({"room": "x", "pad": "x" * 4096}),
    ],
)
def test_a_state_that_names_no_meeting_is_refused(state: str) -> None:
    """Nothing is guessed, and the error quotes nothing."""
    with pytest.raises(UnusableStateError) as raised:
        parse_state(state)
    assert str(raised.value) == ""
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "field",
    [
        {"config.__proto__.polluted": True},
        {"__proto__": True},
        {"config.constructor.prototype.polluted": True},
        {"interfaceConfig.prototype": 1},
        {"jwt": "stolen"},
        {"config": True},
        {"config.": True},
        {"config.a=1&jwt": "stolen"},
        {"config.a#b": 1},
        {"Config.a": 1},
        {"config.list": [1]},
        {"config.object": {"a": 1}},
        {"config.object": '{"__proto__": 1}'},
        {"config.nothing": None},
        {"config.number": "NaN"},
        {"config.number": "1e999"},
    ],
    ids=str,
)
def test_what_jitsi_does_not_write_is_left_out(field: dict[str, object]) -> None:
    """Names of every object's prototype, lists, objects, numbers that JSON does not have, other keys."""
    assert parse_state(json.dumps({"room": "x"} | field)).overrides == ()


@given(room=_ROOMS, tenant=_ROOMS | st.none(), fields=_STATES)
def test_no_state_leads_elsewhere(room: str, tenant: str | None, fields: dict[str, Any]) -> None:
    """Whatever somebody writes: our origin, a room, perhaps a tenant, and the token in the fragment alone."""
    try:
        state = parse_state(json.dumps(fields | {"room": room, "tenant": tenant}))
    except UnusableStateError:
        return
    address = meeting_address(MEET, state, TOKEN)
    parts = urlsplit(address)
    names = parts.path.removeprefix("/").split("/")

    assert address.isascii()
    assert address.isprintable()
    assert address.startswith(f"{MEET}/")
    assert "//" not in parts.path
    assert parts.query == ""
    assert [unquote(name) for name in names] == [name for name in (state.tenant, state.room) if name]
    assert not {".", ".."} & {unquote(name) for name in names}
    assert TOKEN not in address.partition("#")[0]
    read = read_fragment(parts.fragment)
    assert read["jwt"] == TOKEN
    assert all(key == "jwt" or key.startswith("config.") for key in read)


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("ios", "org.example.classroom://meet.example.org/physik-7b#jwt=%22"),
        ("electron", "jitsi-meet://meet.example.org/physik-7b#jwt=%22"),
        ("android", "intent://meet.example.org/physik-7b#jwt=%22"),
    ],
)
def test_an_app_is_led_back_by_its_scheme(client: str, expected: str) -> None:
    """As Jitsi's own page opens its apps; Android finds the app by the last fragment of an intent."""
    state = parse_state(state_of(**{client: True}))
    link = app_link(MEET, state, TOKEN, SCHEMES)
    assert link.startswith(expected)
    assert link.endswith("#Intent;scheme=org.example.classroom;end") == (client == "android")


@pytest.mark.parametrize("value", ["true", 1, False, None, {"x": 1}])
def test_only_true_makes_an_app(value: object) -> None:
    """Everything else is a browser."""
    assert parse_state(state_of(ios=value)).client is Client.BROWSER


@given(fields=_STATES, client=st.sampled_from([Client.IOS, Client.ANDROID, Client.DESKTOP]))
def test_no_state_gets_out_of_its_link(fields: dict[str, Any], client: Client) -> None:
    """An intent has the fields that we write, and no link has another host."""
    room = "x;S.a=b"
    parsed = parse_state(json.dumps(fields | {"room": room, "tenant": None}))
    link = app_link(MEET, MeetingState(room, None, parsed.overrides, client), TOKEN, SCHEMES)
    assert urlsplit(link).netloc == "meet.example.org"
    assert link.count("#") == (2 if client is Client.ANDROID else 1)
    assert link.count(";") == (2 if client is Client.ANDROID else 0)
