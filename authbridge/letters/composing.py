"""Composes letters as HTML: the templates, and the few ways in which they write a value."""

from datetime import date

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from authbridge.letters.letter import Language
from authbridge.letters.spelling import spell, spell_groups

_LOCALES = {Language.GERMAN: "de", Language.ENGLISH: "en_GB"}

_POINTS, _LARGE_PRINT_POINTS = 19, 24
# How many characters a login name has at most, and the millimetres that letter.css gives them.
_WIDTHS = {"": (12, 87), "wide": (45, 126), "widest": (64, 153)}
_SLIP_POINTS, _SLIP_WIDTH = 17, 91  # of a name on a slip, and the millimetres that envelope.css gives it
_LONGEST_IN_FOOT = 30  # characters of the name of a school
_PER_SIGN = 0.602 * 25.4 / 72  # millimetres a point: every sign of the face is 0.602 of its size wide


def _day(day: date, language: Language) -> str:
    return format_date(day, "long", locale=_LOCALES[language])


def width_of(name: str) -> str:
    """Returns the class of letter.css for the room that a login name needs."""
    return next(width for width, (longest, _) in _WIDTHS.items() if len(name) <= longest)


def _points(name: str, *, large_print: bool) -> float:
    # Never on two lines, where nobody could tell whether a hyphen belongs to it.
    room = _WIDTHS[width_of(name)][1]
    return round(min(_LARGE_PRINT_POINTS if large_print else _POINTS, room / len(name) / _PER_SIGN), 1)


def _slip_points(name: str) -> float:
    return round(min(_SLIP_POINTS, _SLIP_WIDTH / len(name) / _PER_SIGN), 1)


def _shortened(name: str) -> str:
    # In the foot of a page, which has room for one line beside the number of the page.
    return name if len(name) <= _LONGEST_IN_FOOT else f"{name[: _LONGEST_IN_FOOT - 1].rstrip()}…"


def _unbroken(line: str) -> str:
    return line.replace(" ", "\u00a0")


_TEMPLATES = Environment(
    loader=PackageLoader("authbridge.letters"), autoescape=True, trim_blocks=True, undefined=StrictUndefined
)
_TEMPLATES.filters.update(
    day=_day,
    points=_points,
    shortened=_shortened,
    slip_points=_slip_points,
    spell=spell,
    spell_groups=spell_groups,
    unbroken=_unbroken,
)


def compose(kind: str, language: Language, words: dict[str, object]) -> str:
    """Returns pages as HTML; the template of that kind, such as ``letter.html``, names the words it needs."""
    return _TEMPLATES.get_template(f"{kind}.{language}.html").render(words)


def compose_part(name: str, *words: object) -> Markup:
    """Returns one part of a letter alone, see ``templates/parts.html``."""
    part: Markup = getattr(_TEMPLATES.get_template("parts.html").module, name)(*words)
    return part
