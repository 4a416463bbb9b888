"""Names a browser in a few words, so that people recognise their sessions in a list."""

from flask_babel import gettext as _

# In this order: each of them also names those below it.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str | None) -> str | None:
    """Returns for example "Firefox on Windows"; None if neither is recognised."""
    text = user_agent or ""
    browser = next((name for sign, name in _BROWSERS if sign in text), None)
    system = next((name for sign, name in _SYSTEMS if sign in text), None)
    if browser is None or system is None:
        return browser or system
    return _("%(browser)s on %(system)s", browser=browser, system=system)
