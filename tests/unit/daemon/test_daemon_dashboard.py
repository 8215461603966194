"""Dashboard and alerts ask for nothing that the agent does not tell."""

import re
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from microglia.daemon.metrics import Metrics
from tests.chart import CHART
from tests.dashboard import PANELS

ALERTS = YAML(typ="safe").load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
RULES = ALERTS["groups"][0]["rules"]
QUERIES = {**{panel.title: panel.query for panel in PANELS}, **{rule["alert"]: rule["expr"] for rule in RULES}}
LEGENDS = {
    **{panel.title: panel.legend for panel in PANELS},
    **{r["alert"]: r["annotations"]["summary"] for r in RULES},
}
NOT_METRICS = {"structure", "source"}


def series() -> Mapping[str, frozenset[str]]:
    """Every series that the agent exposes, with its labels."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    found: dict[str, frozenset[str]] = {}
    everything = (
        one for value in vars(metrics).values() for one in (value.values() if isinstance(value, dict) else [value])
    )
    for one in everything:
        if not isinstance(one, MetricWrapperBase):
            continue
        labels = frozenset(one._labelnames)
        suffixes = {Counter: ("_total",), Histogram: ("_bucket", "_sum", "_count"), Info: ("_info",)}.get(
            type(one), ("",)
        )
        extra = {"le"} if isinstance(one, Histogram) else set()
        found |= {f"{one._name}{suffix}": labels | extra for suffix in suffixes}
    return found


@pytest.mark.parametrize("title", sorted(QUERIES))
def test_every_metric_and_label_exists(title: str) -> None:
    """A metric that was renamed, or a label that is gone, would be an empty graph or an alert that never fires."""
    known, query = series(), QUERIES[title]
    asked = set(re.findall(r"\bmicroglia_[a-z_]+", query))
    assert asked
    assert asked <= set(known)
    labels = set().union(*(known[name] for name in asked))
    named = {name.strip() for group in re.findall(r"by \(([^)]*)\)", query) for name in group.split(",")}
    matched = {name for group in re.findall(r"{([^}]*)}", query) for name in re.findall(r"(\w+)\s*[=!]", group)}
    assert named | matched <= labels
    shown = set(re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", LEGENDS[title]))
    assert shown <= named


def test_every_graph_has_a_place_of_its_own() -> None:
    """Titles and alert names are unique."""
    assert len(QUERIES) == len(PANELS) + len(RULES)
