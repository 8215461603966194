"""Any result as plain data."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
from ruamel.yaml import YAML

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.plan.change import Saving
from microglia.protect.ledger import Level, Protection
from microglia.report.data import plain, to_json, to_yaml
from microglia.topology.build import build
from tests.factories import deployment, running, snapshot

FOUND = {
    WorkloadId("shop", "cart"): Saving(cpu=0.5),
    "protection": Protection("lease", Level.PIN, 0, "it leads", ObjectRef("Lease", "shop", "cart"), "spec", "x"),
    "at": datetime(2026, 6, 29, tzinfo=UTC),
    "span": timedelta(days=7),
    "numbers": (1, 2.5, float("nan"), float("inf"), None, True),
    "array": np.array([1.0, np.nan]),
    "scalar": np.float32(2.5),
    "set": {"b", "a"},
}


def test_everything_becomes_what_json_has():
    """Ids become text, NaN and infinity null, sets sorted lists, dataclasses and models dicts."""
    found = plain(FOUND)
    assert found["shop/cart"] == {"cpu": 0.5, "memory": 0.0, "replicas": 0, "proxyConfig": 0.0, "money": 0.0}
    assert found["protection"]["level"] == "pin"
    assert found["protection"]["source"] == "Lease shop/cart"
    assert (found["at"], found["span"]) == ("2026-06-29T00:00:00+00:00", "7d")
    assert found["numbers"] == [1, 2.5, None, None, None, True]
    assert found["array"] == [1.0, None]
    assert (found["scalar"], found["set"]) == (2.5, ["a", "b"])


def test_json_and_yaml_say_the_same():
    """Both formats hold the same data, readable by any parser."""
    assert json.loads(to_json(FOUND)) == plain(FOUND)
    assert YAML(typ="safe").load(to_yaml(FOUND)) == plain(FOUND)


def test_raw_objects_are_left_out():
    """A workload is shown as it was understood, not as the API server gave it."""
    topology = build(snapshot(*running(deployment("cart"))))
    found = plain(topology.workloads)
    assert found["shop/cart"]["replicas"] == 3
    assert "raw" not in found["shop/cart"]
