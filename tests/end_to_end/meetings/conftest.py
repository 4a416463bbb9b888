"""One running Jitsi for each version of Prosody, for all stories that restart nothing in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jitsi.server import Deployment, open_deployment
from tests.support.login_server import VERSIONS


@pytest.fixture(name="deployment", scope="session", params=VERSIONS)
def run_shared_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """Runs a whole Jitsi and the service that it asks; each story has organisers and rooms of its own."""
    with open_deployment(
        request.param, tmp_path_factory.mktemp("deployment"), sqlite_template, external_auth_page=True
    ) as deployment:
        yield deployment


@pytest.fixture(name="restartable", scope="module", params=VERSIONS)
def run_restartable_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Deployment]:
    """Runs another one, in which the stories of one file may stop, restart and reconfigure all parts."""
    folder = tmp_path_factory.mktemp("restartable")
    with open_deployment(request.param, folder, sqlite_template, external_auth_page=True) as deployment:
        yield deployment
