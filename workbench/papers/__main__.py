"""``python -m workbench.papers``: writes the papers that are made from the code."""

from workbench.papers import PAPERS
from workbench.papers.roles import render_roles
from workbench.papers.sbom import make_sbom

for name, make in {"roles.md": render_roles, "sbom.cdx.json": make_sbom}.items():
    (PAPERS / name).write_text(make(), encoding="utf-8")
