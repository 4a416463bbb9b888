"""Findings of the doctor as a test needs them."""

from authbridge.machine.findings import Level, Remark
from authbridge.machine.reported_findings import ReportedFinding


def make_finding(name: str, level: Level, *, is_mendable: bool = True) -> ReportedFinding:
    """Returns a finding of that level about a file of nginx."""
    return ReportedFinding(
        id=name,
        level=level,
        what=Remark(
            "%(file)s was found to be at fault by %(name)s.", file="/etc/nginx/nginx.conf", name=name
        ),
        why=Remark("Every browser looks like nginx itself."),
        where="/etc/nginx/sites-available/meet.example.org.conf:47",
        line="proxy_set_header X-Forwarded-For $remote_addr;",
        is_mendable=is_mendable,
    )
