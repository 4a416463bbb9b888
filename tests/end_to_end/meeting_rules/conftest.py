"""A Jitsi for each set of rules and each version of Prosody, shared by the stories of a file."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.support.chromium import open_chromium
from tests.support.factories import make_school
from tests.support.jitsi.rules import GRACE, rules_with
from tests.support.jitsi.server import Deployment, open_deployment
from tests.support.login_server import NEWER_FIRST

DeploymentWith = Callable[[str, str], Deployment]


@pytest.fixture(name="deployment_with", scope="module")
def run_deployments(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[DeploymentWith]:
    """Yields ``deployment_with(version, rules)``: a whole Jitsi with those rules, started once.

    They end with the file, for an idle Jitsi has its polls; nothing that the stories did is an error there.
    """
    started: dict[tuple[str, str], Deployment] = {}
    with contextlib.ExitStack() as running:

        def deployment_with(version: str, rules: str) -> Deployment:
            if (version, rules) not in started:
                deployment = running.enter_context(
                    open_deployment(
                        version,
                        tmp_path_factory.mktemp("ruled"),
                        sqlite_template,
                        hibernation=1,
                        rules={**rules_with(rules), "meeting_rules_grace": GRACE},
                        neighbours=("room_metadata",),
                        external_auth_page=True,
                    )
                )
                make_school(deployment.auth.database, "gym", "Goethe-Gymnasium")
                started[version, rules] = deployment
            return started[version, rules]

        yield deployment_with
        for deployment in started.values():
            assert deployment.complaints == []


@pytest.fixture(name="version", scope="session", params=NEWER_FIRST)
def choose_version(request: pytest.FixtureRequest) -> str:
    """The newer version of Prosody; the others are for soak, but for a lesson, the words and neighbours."""
    version: str = request.param
    return version


@pytest.fixture(name="ruled")
def choose_deployment(
    request: pytest.FixtureRequest, deployment_with: DeploymentWith, version: str
) -> Deployment:
    """A Jitsi with the rules that the test names, or with all of them."""
    return deployment_with(version, getattr(request, "param", "all"))


@pytest.fixture(name="browser", scope="session")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One for all people of a meeting."""
    with open_chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
