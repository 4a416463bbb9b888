"""The services are locked in: what systemd itself says of their units."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from authbridge.installation.accounts import TOKEN_READERS
from authbridge.installation.system import TOKEN_GROUP, USER
from workbench import ROOT

_ANALYSE = shutil.which("systemd-analyze")
_MOST = 2.5  # of 10, where 10 is a service that may do everything
_SERVICES = sorted((ROOT / "deploy/systemd").glob("*.service"))


@pytest.mark.skipif(_ANALYSE is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", _SERVICES, ids=lambda unit: unit.name)
def test_a_service_may_do_little(unit: Path) -> None:
    """A fault in the service, or in a library, must not become one of the machine."""
    assert _ANALYSE is not None
    said = subprocess.run(  # noqa: S603 - systemd's own program, our own file
        [_ANALYSE, "security", "--offline=true", "--no-pager", unit],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= _MOST, said


@pytest.mark.parametrize(
    ("unit", "as_root"),
    [("authbridge-api.service", ""), ("authbridge-panel.service", ""), ("authbridge-page.service", "+")],
)
def test_a_service_waits_while_the_installer_changes_its_program(unit: str, as_root: str) -> None:
    """The lock of ``installation/database.py``: without it the former program would come back in between."""
    text = (ROOT / "deploy/systemd" / unit).read_text(encoding="utf-8")
    assert f"ExecStartPre={as_root}/usr/bin/flock --shared /etc/authbridge/authbridge.env " in text


def test_the_login_page_is_a_user_of_its_own_and_knows_no_database() -> None:
    """The process that faces the internet has the token of the service, and nothing else of worth."""
    lines = (ROOT / "deploy/systemd/authbridge-page.service").read_text(encoding="utf-8").splitlines()
    assert "DynamicUser=yes" in lines
    assert "LoadCredential=api-token:/etc/authbridge/api-token" in lines
    (unset,) = (line for line in lines if line.startswith("UnsetEnvironment="))
    assert {"AUTHBRIDGE_DATABASE_URL", "AUTHBRIDGE_SECRET_KEY_FILE"} <= set(unset.partition("=")[2].split())
    joined = ("User=", "Group=", "SupplementaryGroups=", "StateDirectory=", "ReadWritePaths=")
    assert not [line for line in lines if line.startswith(joined)]


def test_no_login_is_tried_while_the_installer_changes_the_program() -> None:
    """It would fail, and somebody would be woken by a mail."""
    text = (ROOT / "deploy/systemd/authbridge-synthetic-login.service").read_text(encoding="utf-8")
    assert "ExecCondition=/usr/bin/flock --shared --nonblock /etc/authbridge/authbridge.env " in text


def test_the_service_alone_is_in_the_group_of_the_token() -> None:
    """By its unit, and not by its user: the panel and the command line run as that user too."""
    lines = {unit.name: unit.read_text(encoding="utf-8").splitlines() for unit in _SERVICES}
    joined = {name for name, said in lines.items() if f"SupplementaryGroups={TOKEN_GROUP}" in said}
    assert joined == {"authbridge-api.service"}
    assert USER not in TOKEN_READERS
