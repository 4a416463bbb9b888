"""The documents that Jitsi's page reads: its own keys, a sentence for each cause, the operator's help."""

import json
from pathlib import Path
from typing import Any

import pytest

from authbridge.errors import ConfigError
from authbridge.jitsi import Transport, branding, labels, read_help
from authbridge.letters import Language

HELP = "Hilfe: 07461 926-0, Mo–Fr 7:30–16 Uhr"
CAUSES = {
    "droppedError policy-violation": ("gesperrt", "suspended"),
    "droppedError not-authorized": ("abgelaufen", "expired"),
    "droppedError resource-constraint": ("zu oft", "too often"),
    "droppedError remote-connection-failed": ("nicht geprüft", "cannot be checked"),
    "otherError host-unknown": ("keine E-Mail-Adresse", "not an e-mail"),
    "otherError improper-addressing": ("keine E-Mail-Adresse", "not an e-mail"),
    "otherError no-auth-mech": ("keine E-Mail-Adresse", "not an e-mail"),
}


def sentences(document: dict[str, Any]) -> dict[str, str]:
    """The sentences by the name that lib-jitsi-meet gives the end of a connection, and its condition."""
    found: dict[str, str] = document["authbridge"]["connection"]
    return found


@pytest.mark.parametrize("language", list(Language))
def test_each_cause_has_its_sentence(language: Language) -> None:
    """Suspended, expired, waiting and an outage are told apart, in both languages."""
    said = sentences(labels(language, HELP, Transport.WEBSOCKET))
    place = list(Language).index(language)
    assert said.keys() == CAUSES.keys()
    for key, words in CAUSES.items():
        assert words[place] in said[key]


@pytest.mark.parametrize("language", list(Language))
def test_only_keys_of_jitsi_and_our_own_are_set(language: Language) -> None:
    """Two of Jitsi's sentences are replaced, and nothing else of its page."""
    document = labels(language, None, Transport.WEBSOCKET)
    assert document.keys() == {"dialog", "authbridge"}
    assert document["dialog"].keys() == {"incorrectPassword", "connectErrorWithMsg"}


def test_the_operators_help_ends_what_needs_help() -> None:
    """The telephone stands under every refusal; who typed an e-mail address needs none."""
    document = labels(Language.GERMAN, HELP, Transport.WEBSOCKET)
    assert document["dialog"]["incorrectPassword"].endswith(HELP)
    said = sentences(document)
    assert {key for key, words in said.items() if words.endswith(HELP)} == {
        key for key in CAUSES if key not in {"otherError host-unknown", "otherError improper-addressing"}
    }


def test_over_bosh_one_sentence_is_true_for_every_refusal() -> None:
    """It does not say that the password is wrong, for it may be right."""
    words = labels(Language.GERMAN, None, Transport.BOSH)["dialog"]["incorrectPassword"]
    for cause in ("Meist stimmt", "gesperrt", "abgelaufen", "nicht geprüft"):
        assert cause in words


def test_help_is_text_and_no_html() -> None:
    """Jitsi's page shows labels as HTML."""
    words = labels(Language.GERMAN, "Mo & Di <16 Uhr", Transport.WEBSOCKET)["dialog"]["incorrectPassword"]
    assert words.endswith("Mo &amp; Di &lt;16 Uhr")


def test_the_sentence_for_anything_else_is_one_that_i18next_can_nest() -> None:
    """A closing bracket would end it, and its options must be JSON."""
    for language in Language:
        template = labels(language, HELP, Transport.WEBSOCKET)["dialog"]["connectErrorWithMsg"]
        inner = template.removeprefix("$t(authbridge.{{msg}}, ").removesuffix(")")
        assert ")" not in inner
        assert json.loads(inner).keys() == {"defaultValue"}


def test_branding_names_a_bundle_for_each_language() -> None:
    """Not the bundle itself, but its address."""
    assert branding("https://panel.example.org/jitsi/websocket") == {
        "labels": {
            "de": "https://panel.example.org/jitsi/websocket/labels-de.json",
            "en": "https://panel.example.org/jitsi/websocket/labels-en.json",
        }
    }


def test_the_operators_line_is_read_from_the_folder_of_the_letters(tmp_path: Path) -> None:
    """A language without a file has the sentence that ships."""
    (tmp_path / "help.de.md").write_text(f"{HELP}\n")
    assert read_help(tmp_path, Language.GERMAN) == HELP
    assert read_help(tmp_path, Language.ENGLISH) is None
    assert read_help(None, Language.GERMAN) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param("a\nb\n", "must have one line", id="two lines"),
        pytest.param("", "must have one line", id="empty"),
        pytest.param("x" * 201, "more than 200 characters", id="long"),
        pytest.param("Hilfe {{msg}}", "cannot be shown", id="braces"),
        pytest.param("$t(dialog.x)", "cannot be shown", id="nesting"),
    ],
)
def test_a_line_that_cannot_be_shown_is_named(tmp_path: Path, content: str, fault: str) -> None:
    """The sentence names the file."""
    (tmp_path / "help.de.md").write_text(content)
    with pytest.raises(ConfigError, match=rf"help\.de\.md.*{fault}"):
        read_help(tmp_path, Language.GERMAN)
