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


def require_alerts(folder: Path, expected: set[str], scrapes: Sequence[str | None]) -> None:
    """Fails unless exactly these alerts fire once the last of the scrapes stays as it is; None: no answer.

    The first one stood for some minutes before.
    """
    file = folder / "scrapes_test.yml"
    found = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(expected)]
    file.write_text(
        json.dumps(  # which is YAML too
            {
                "rule_files": [str(RULES)],
                "evaluation_interval": "1m",
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": _series(scrapes),
                        "promql_expr_test": [
                            {
                                "expr": f"group by (alertname) ({_FIRED})",
                                "eval_time": f"{_BEFORE + _AFTER}m",
                                "exp_samples": found,
                            }
                        ],
                    }
                ],
            }
        )
    )
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def names_in(expression: str) -> set[str]:
    """Returns the metrics of ours that a query names."""
    return set(re.findall(r"\bauthbridge_\w+", expression))


def _series(scrapes: Sequence[str | None]) -> list[dict[str, str]]:
    values: dict[str, list[str]] = {}
    for place, scrape in enumerate(scrapes):
        up = Sample("up", {}, 0 if scrape is None else 1)
        for each in (up, *samples(scrape or "")):
            labels = ", ".join(
                f"{name}={json.dumps(text)}" for name, text in sorted({**SERVICE, **each.labels}.items())
            )
            series = values.setdefault(f"{each.name}{{{labels}}}", ["_"] * len(scrapes))
            series[place] = f"{each.value:.17g}"
    return [
        {"series": name, "values": " ".join([*[first] * _BEFORE, *others, *[last] * _AFTER])}
        for name, (first, *others) in values.items()
        for last in [(others or [first])[-1]]
    ]
