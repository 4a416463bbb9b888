"""Makes the papers of ``deploy/papers``: each from the place in the code that it speaks about.

``python -m workbench.papers`` writes them; the tests hold what is committed against what it would write.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workbench import ROOT

PAPERS = ROOT / "deploy/papers"

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=False,  # noqa: S701 - Markdown of our own words
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {"code": lambda text: f"`{text}`", "yes": lambda is_so: "yes" if is_so else "–"}


def render(name: str, **values: object) -> str:
    """Returns the page that the template of that name makes."""
    return _TEMPLATES.get_template(f"{name}.j2").render(values)
