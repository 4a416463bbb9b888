"""German and English: the language of a request, the sentences of errors, days and times."""

from datetime import date, datetime

from flask import Flask, g, request
from flask_babel import Babel, format_date, format_datetime, format_decimal, gettext

from authbridge.config import Config
from authbridge.errors import AuthBridgeError, ConfigError, StorageError

LANGUAGES = ("de", "en")
COOKIE = "__Host-authbridge-language"

_DAY = {"de": "dd.MM.yyyy", "en": "d MMM yyyy"}
_WEEKDAY = {"de": "EE dd.MM.", "en": "EE d MMM"}
_TYPED_DAY = {"de": "dd.MM.yyyy", "en": "yyyy-MM-dd"}
_SHORT_MONTH = {"de": "MM/yy", "en": "MMM yy"}
_MOMENT = {"de": "dd.MM.yyyy, HH:mm", "en": "d MMM yyyy, HH:mm"}


def language() -> str:
    """Returns the chosen language, else the one that the browser prefers, else German."""
    chosen = g.get("language") or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    preferred = (name.partition("-")[0].lower() for name in request.accept_languages.values())
    return next((name for name in preferred if name in LANGUAGES), LANGUAGES[0])


def choose_language(wanted: str | None) -> None:
    """Sets the language of this request alone, for pages that set no cookie; None leaves it as it is."""
    if wanted in LANGUAGES:
        g.language = wanted


def say(error: AuthBridgeError) -> str:
    """Returns the error's sentence in the reader's language; the details of an outage are for the log."""
    match error:
        case StorageError():
            return gettext("Nothing can be read or saved at the moment. Please try again in a minute.")
        case ConfigError():
            sentence = str(error)
            return gettext("Please tell the technician: %(sentence)s", sentence=sentence)
        case _:
            return gettext(error.sentence, **error.values)


def day(value: date) -> str:
    """Returns a day such as 22.11.2026."""
    return format_date(value, _DAY[language()])


def typed_day(value: date) -> str:
    """Returns a day as fields show it and take it, such as 22.11.2026 or 2026-11-22."""
    return format_date(value, _TYPED_DAY[language()])


def moment(value: datetime) -> str:
    """Returns a moment such as 22.11.2026, 07:58."""
    return format_datetime(value, _MOMENT[language()])


def clock(value: datetime) -> str:
    """Returns a time such as 07:58."""
    return format_datetime(value, "HH:mm")


def second(value: datetime) -> str:
    """Returns a time such as 07:58:12."""
    return format_datetime(value, "HH:mm:ss")


def weekday(value: date) -> str:
    """Returns a day of these weeks, such as Mo. 23.11."""
    return format_date(value, _WEEKDAY[language()])


def month(value: date) -> str:
    """Returns the month of a day, such as November 2026."""
    return format_date(value, "LLLL yyyy")


def short_month(value: date) -> str:
    """Returns the month of a day where there is little room, such as 11/26."""
    return format_date(value, _SHORT_MONTH[language()])


def number(value: int) -> str:
    """Returns a number such as 1.234 or 1,234."""
    return format_decimal(value)


def install(app: Flask, config: Config) -> None:
    """Makes Flask speak both languages."""
    Babel(
        app,
        default_locale=LANGUAGES[0],
        default_timezone=config.timezone.key,
        default_translation_directories="translations",
        locale_selector=language,
    )
    app.add_template_filter(day)
    app.add_template_filter(moment)
    app.add_template_filter(clock)
    app.add_template_filter(second)
    app.add_template_filter(weekday)
    app.add_template_filter(month)
    app.add_template_filter(short_month)
    app.add_template_filter(number)
