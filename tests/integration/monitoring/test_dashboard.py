"""The Grafana dashboard: understood by Grafana's own library, and every query of it finds something."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.integration.monitoring.conftest import Installation
from tests.support.metrics import RULES, SERVICE, names_in, require_data, samples

DASHBOARD = RULES.parent / "dashboard.json"
_WIDTH = 24  # columns of Grafana's grid

# As Grafana fills them in.
VARIABLES = {"$instance": SERVICE["instance"], "$__rate_interval": "5m"}


@pytest.fixture(name="dashboard", scope="module")
def read_dashboard() -> Any:  # noqa: ANN401 - as JSON has it
    """The file, read."""
    return json.loads(DASHBOARD.read_text())


def queries_of(dashboard: Any) -> Iterator[str]:  # noqa: ANN401 - as JSON has it
    """Yields each query as Prometheus gets it."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            assert "$" not in query
            yield query


def test_grafana_knows_every_field_of_it(dashboard: Any) -> None:  # noqa: ANN401 - as JSON has it
    """Its library reads the file, and writes the same one: what it does not know would be missing."""
    register_default_plugins()
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard))) == dashboard


def test_every_query_finds_something(dashboard: Any, installation: Installation, tmp_path: Path) -> None:  # noqa: ANN401 - as JSON has it
    """Over what a service tells in which somebody logs in, and a meeting server asks."""
    before = installation.scrape()
    installation.log_in(installation.organiser.username, installation.organiser.password)
    after = installation.scrape()
    absent = set() if installation.database.folder else {"authbridge_disk_free_bytes"}
    queries = list(queries_of(dashboard))

    require_data(tmp_path, [query for query in queries if not names_in(query) & absent], [before, after])


def test_everything_that_is_told_is_on_it(dashboard: Any, installation: Installation) -> None:  # noqa: ANN401 - as JSON has it
    """And nothing is on it that nobody tells."""
    installation.log_in("nobody", "wrong")
    told = {each.name for each in samples(installation.scrape())} | {"authbridge_disk_free_bytes"}
    parts = {name for name in told if name.endswith(("_seconds_count", "_seconds_sum"))}
    assert names_in(" ".join(queries_of(dashboard))) == told - parts


def test_panels_do_not_overlap(dashboard: Any) -> None:  # noqa: ANN401 - as JSON has it
    """Each has its place in the grid, and an id of its own."""
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < _WIDTH
