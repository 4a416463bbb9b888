"""The meeting rules in plain words: what each does, what people see of it, what to say on the telephone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from authbridge.jitsi.meeting_rules import SENTENCES, Sentence
from authbridge.storage.models import MeetingRule


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing that people see: in the panel's words, then the sentence that is shown to them, if any."""

    words: str
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule in plain words; ``column`` is its name where there is little room."""

    title: str
    column: str
    does: str
    participant: tuple[Sight, ...]
    organiser: tuple[Sight, ...]
    on_the_phone: str


def words_of(rule: MeetingRule) -> RuleWords:
    """Returns the words of a rule in the reader's language."""
    return _WORDS[rule]()


def _of_names() -> RuleWords:
    return RuleWords(
        _("Room names without special characters"),
        _("Room name"),
        _(
            "A room name has letters from a to z, digits, hyphens and underscores, no umlauts and no blanks. "
            "The server refuses any other name, and offers one that would do."
        ),
        (Sight(_("Before anybody has to type a password:"), SENTENCES["names"]),),
        (Sight(_("The same, before they log in.")),),
        _(
            "“Please use the name that stands in the message, without ä, ö, ü, ß and blanks, and send "
            "everybody the link with that name.”"
        ),
    )


def _of_schools() -> RuleWords:
    return RuleWords(
        _("Names that belong to a school"),
        _("School’s name"),
        _(
            "A room whose name begins with the code of a school and a hyphen, such as ohg-5a, is opened by "
            "the organisers of that school only. So nobody else can take it."
        ),
        (
            Sight(_("Jitsi’s own waiting page, until an organiser of that school opens the room.")),
            Sight(
                _("Where every name has to begin with the code of a school, and this one does not:"),
                SENTENCES["only_school_names"],
            ),
        ),
        (
            Sight(_("An organiser of another school, after the login:"), SENTENCES["schools"]),
            Sight(_("A name without a code, where it needs one: the same as participants.")),
        ),
        _(
            "“That name belongs to another school. Please begin the name of your room with the code of your "
            "own school and a hyphen.”"
        ),
    )


def _of_protection() -> RuleWords:
    return RuleWords(
        _("Never open to everybody"),
        _("Protection"),
        _(
            "Participants get in once the meeting has a password or its lobby is on. The lobby switches "
            "itself on when the organiser comes into a room without a password."
        ),
        (
            Sight(_("Jitsi’s own waiting page; it goes on by itself as soon as the meeting is protected.")),
            Sight(_("In other programs than Jitsi’s page:"), SENTENCES["protection"]),
        ),
        (
            Sight(_("The lobby is on without a click; the organiser lets in the people who wait there.")),
            Sight(_("The last protection cannot be removed: its switch goes back by itself.")),
            Sight(
                _("On a server without a lobby, participants wait until the organiser has set a password.")
            ),
        ),
        _(
            "“A meeting is never open to everybody. Please set a password, or let the people in from the "
            "lobby.”"
        ),
    )


def _of_ending() -> RuleWords:
    return RuleWords(
        _("The organiser leaves last"),
        _("Ending"),
        _(
            "When the last organiser has left, nobody else gets in, and after a short time the meeting ends "
            "for all. That time is usually 45 seconds: a reload or a short drop harms nothing."
        ),
        (
            Sight(_("At the end of the meeting:"), SENTENCES["ending"]),
            Sight(
                _("People who come meanwhile wait; other programs than Jitsi’s page show:"),
                SENTENCES["waiting"],
            ),
        ),
        (
            Sight(
                _(
                    "Nothing, if they are back in time or another organiser is there. Otherwise the meeting "
                    "is over, and they open it anew."
                )
            ),
        ),
        _(
            "“The meeting ended because its organiser had left. As soon as it is opened again, everybody "
            "gets in with the same link.”"
        ),
    )


def _of_recording() -> RuleWords:
    return RuleWords(
        _("No recording"),
        _("Recording"),
        _(
            "Nobody can start a recording, a live stream or a transcription, not even the organiser. What "
            "somebody records with a device of their own, no server can see or prevent."
        ),
        (
            Sight(
                _("It does not start. The server gives this reason, which not every page shows:"),
                SENTENCES["recording"],
            ),
        ),
        (Sight(_("The same.")),),
        _("“Nobody may record here. If somebody does so anyway, please report it to us.”"),
    )


def _of_opening() -> RuleWords:
    return RuleWords(
        _("Only organisers open meetings"),
        _("Opening"),
        _("A meeting begins when an organiser has logged in. Nobody else can make a room, with any program."),
        (
            Sight(_("Jitsi’s own waiting page, until an organiser has logged in.")),
            Sight(_("In a program that tries to make a room itself:"), SENTENCES["opening"]),
        ),
        (Sight(_("Nothing: they press “I am the host” (or “Log-in”), as ever.")),),
        _(
            "“Please wait until the teacher has opened the meeting. If you are the teacher, press ‘I am the "
            "host’ and log in.”"
        ),
    )


_WORDS: Mapping[MeetingRule, Callable[[], RuleWords]] = {
    MeetingRule.NAMES: _of_names,
    MeetingRule.SCHOOLS: _of_schools,
    MeetingRule.PROTECTION: _of_protection,
    MeetingRule.ENDING: _of_ending,
    MeetingRule.RECORDING: _of_recording,
    MeetingRule.OPENING: _of_opening,
}
