"""From when to when, as people say it: today at 07:48, yesterday from 07:48 to 07:50."""

from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _

from admin.panel import current_panel, today
from admin.web.i18n import clock, day, moment


def span(first: datetime, last: datetime) -> str:
    """Returns the time from the first to the last moment, in minutes."""
    days = [local_day(each) for each in (first, last)]
    if days[0] != days[1]:
        return _("from %(first)s to %(last)s", first=moment(first), last=moment(last))
    if clock(first) == clock(last):
        return _("%(day)s at %(clock)s", day=day_in_words(days[0]), clock=clock(first))
    return _(
        "%(day)s from %(first)s to %(last)s", day=day_in_words(days[0]), first=clock(first), last=clock(last)
    )


def capital(text: str) -> str:
    """Returns the text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def local_day(value: datetime) -> date:
    """Returns the day of a moment where the schools are."""
    return value.astimezone(current_panel().config.timezone).date()


def day_in_words(value: date) -> str:
    """Returns today, yesterday, or on which day."""
    if value == today():
        return _("today")
    if value == today() - timedelta(days=1):
        return _("yesterday")
    return _("on %(day)s", day=day(value))


def last_day(before: datetime) -> date:
    """Returns the last day of a span that ends before that moment."""
    return local_day(before - timedelta(microseconds=1))


def start_of(value: date) -> datetime:
    """Returns the moment at which a day begins where the schools are."""
    return datetime.combine(value, time(), current_panel().config.timezone)
