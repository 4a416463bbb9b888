"""``python -m workbench.papers``: writes the papers that are made from the code."""

from workbench.papers import PAPERS
from workbench.papers.asvs import render_asvs
from workbench.papers.logs import render_logs
from workbench.papers.roles import render_roles
from workbench.papers.sbom import make_sbom

for name, make in {
    "asvs.md": render_asvs,
    "logs.md": render_logs,
    "roles.md": render_roles,
    "sbom.cdx.json": make_sbom,
}.items():
    (PAPERS / name).write_text(make(), encoding="utf-8")
