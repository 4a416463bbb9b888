"""Holds what the meeting server says when a rule of a meeting steps in, for staff who help on the telephone.

The names of rooms and schools in it are examples.  ``words.lib.lua`` of mod_meeting_rules says the same
sentences; ``tests/contract.json`` holds both to them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in two languages; Jitsi's page shows both, one after the other."""

    german: str
    english: str

    def __str__(self) -> str:
        """Returns it as Jitsi's page shows it."""
        return f"{self.german} / {self.english}"


SENTENCES = {
    "names": Sentence(
        (
            "Ein Raumname besteht aus den Buchstaben a bis z (ohne ä, ö, ü und ß), Ziffern, - und _, ohne "
            "Leerzeichen, und hat höchstens 64 Zeichen. Vorschlag: physik-uebung"
        ),
        (
            "A room name has the letters a to z, digits, - and _, no blanks, and at most 64 characters. "
            "Please try: physik-uebung"
        ),
    ),
    "schools": Sentence(
        "Raumnamen, die mit „ohg-“ beginnen, gehören der Schule mit dem Kürzel ohg. Vorschlag: gym-5a",
        "Room names that begin with “ohg-” belong to the school with the code ohg. Please try: gym-5a",
    ),
    "only_school_names": Sentence(
        (
            "Ein Raumname beginnt hier mit dem Kürzel Ihrer Schule und einem Bindestrich. Vorschlag: "
            "gym-physik"
        ),
        "A room name begins with the code of your school and a hyphen here. Please try: gym-physik",
    ),
    "protection": Sentence(
        (
            "Diese Besprechung hat noch kein Passwort und keine Lobby. Bitte warten Sie, bis die "
            "Organisatorin oder der Organisator da ist."
        ),
        "This meeting has no password and no lobby yet. Please wait for its organiser.",
    ),
    "waiting": Sentence(
        (
            "Gerade leitet niemand diese Besprechung. Bitte warten Sie, bis die Organisatorin oder der "
            "Organisator da ist."
        ),
        "Nobody leads this meeting right now. Please wait for its organiser.",
    ),
    "ending": Sentence(
        "Die Organisatorin oder der Organisator hat die Besprechung verlassen. Damit ist sie beendet.",
        "The organiser has left the meeting, so it has ended.",
    ),
    "recording": Sentence(
        "Aufnahmen, Übertragungen und Mitschriften sind hier nicht erlaubt.",
        "Recordings, live streams and transcriptions are not allowed here.",
    ),
    "opening": Sentence(
        "Eine Besprechung eröffnet die Organisatorin oder der Organisator.",
        "Meetings are opened by their organiser.",
    ),
}
