"""The metrics of a service as Prometheus sees them, and which alerts they raise, by its own promtool."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from workbench import CACHE, ROOT

RULES = ROOT / "deploy" / "monitoring" / "alerts.yml"
SERVICE = {"job": "authbridge", "instance": "127.0.0.1:8701"}

_FIRED = 'last_over_time(ALERTS{alertstate="firing"}[3h])'
_BEFORE, _AFTER = (
    5,
    75,
)  # minutes for which the first scrape and the last are repeated; the longest "for" is 1h


def samples(exposition: str) -> Iterator[Sample]:
    """Yields every sample of an answer."""
    for family in text_string_to_metric_families(exposition):
        yield from family.samples


def value(exposition: str, name: str, **labels: str) -> float | None:
    """Returns the value of one sample; None if it is absent."""
    found = [each.value for each in samples(exposition) if (each.name, each.labels) == (name, labels)]
    assert len(found) <= 1
    return found[0] if found else None


def promtool(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs Prometheus' own checker."""
    command = [str(CACHE / "prometheus" / "promtool"), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603


def require_alerts(
    folder: Path, expected: set[str], scrapes: Sequence[str | None], *, goes_on: bool = False
) -> None:
    """Fails unless exactly these alerts fire; a scrape of None had no answer.

    The first scrape stood for some minutes before.  The last one stays as it is for an hour and more, or what
    has changed since the one before ``goes_on`` to change every minute.
    """
    found = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(expected)]
    _judge(folder, _series(scrapes, goes_on=goes_on), {f"group by (alertname) ({_FIRED})": found})


def require_data(folder: Path, queries: Sequence[str], scrapes: Sequence[str]) -> None:
    """Fails unless each query has a result while the numbers go on to change as between the two scrapes."""
    has_data = {f"count({query}) > bool 0": [{"labels": "{}", "value": 1}] for query in queries}
    _judge(folder, _series(scrapes, goes_on=True), has_data)


def _judge(folder: Path, series: list[dict[str, str]], expected: dict[str, list[dict[str, object]]]) -> None:
    asked = [
        {"expr": query, "eval_time": f"{_BEFORE + _AFTER}m", "exp_samples": found}
        for query, found in expected.items()
    ]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    file = folder / "scrapes_test.yml"
    # JSON is YAML too.
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def names_in(expression: str) -> set[str]:
    """Returns the metrics of ours that a query names."""
    return set(re.findall(r"\bauthbridge_\w+", expression))


def _series(scrapes: Sequence[str | None], *, goes_on: bool) -> list[dict[str, str]]:
    values: dict[str, list[float | None]] = {}
    for place, scrape in enumerate(scrapes):
        up = Sample("up", {}, 0 if scrape is None else 1)
        for each in (up, *samples(scrape or "")):
            labels = ", ".join(
                f"{name}={json.dumps(text)}" for name, text in sorted({**SERVICE, **each.labels}.items())
            )
            series = values.setdefault(f"{each.name}{{{labels}}}", [None] * len(scrapes))
            series[place] = each.value
    return [{"series": name, "values": _written(found, goes_on=goes_on)} for name, found in values.items()]


def _written(values: list[float | None], *, goes_on: bool) -> str:
    """Returns the values of a series as promtool reads them."""
    *before, last = values
    shown = ["_" if each is None else f"{each:.17g}" for each in values]
    step = last - before[-1] if goes_on and last is not None and before and before[-1] is not None else 0
    return " ".join(
        [
            f"{shown[0]}x{_BEFORE}",
            *shown[1:-1],
            f"_x{_AFTER}" if last is None else f"{last:.17g}{step:+.17g}x{_AFTER}",
        ]
    )
