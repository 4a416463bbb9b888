"""Composes letters as HTML: the templates, and the few ways in which they write a value."""

from datetime import date

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from authbridge.letters.letter import Language
from authbridge.letters.spelling import spell

_LOCALES = {Language.GERMAN: "de", Language.ENGLISH: "en_GB"}

_WIDTH = 153  # millimetres, which a login name has
_LARGE = 19  # points
_PER_SIGN = 0.6 * 25.4 / 72  # millimetres a point: every sign of the face is 0.6 of its size wide


def _day(day: date, language: Language) -> str:
    return format_date(day, "long", locale=_LOCALES[language])


def _points(name: str) -> float:
    # Never on two lines, where nobody could tell whether a hyphen belongs to it.
    return round(min(_LARGE, _WIDTH / len(name) / _PER_SIGN), 1)


def _unbroken(line: str) -> str:
    return line.replace(" ", "\u00a0")


_TEMPLATES = Environment(
    loader=PackageLoader("authbridge.letters"), autoescape=True, trim_blocks=True, undefined=StrictUndefined
)
_TEMPLATES.filters.update(day=_day, points=_points, spell=spell, unbroken=_unbroken)


def compose(language: Language, words: dict[str, object]) -> str:
    """Returns letters as HTML; ``templates/letter.html`` names the words that it needs."""
    return _TEMPLATES.get_template(f"letter.{language}.html").render(words)


def compose_part(name: str, *words: object) -> Markup:
    """Returns one part of a letter alone, see ``templates/parts.html``."""
    part: Markup = getattr(_TEMPLATES.get_template("parts.html").module, name)(*words)
    return part
