"""What microglia makes of each product's series when hours lie between: outages on the seam, and what was long ago."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from microglia.observe.dialects.expressions import Spans
from microglia.observe.prometheus import PrometheusServer
from tests.lab import Lab
from tests.lab.exporter_history import history, pod_of
from tests.lab.exporter_play import PRODUCTS, Play, cluster, counts, kind_of
from tests.lab.exporter_text import Product
from tests.lab.remote_write import Values, write

pytestmark = pytest.mark.timeout(300)

MINUTES = 1500
HOUR = 60
END = int(time.time()) // 60 * 60 - 600
TIMES = (END - 60 * np.arange(MINUTES - 1, -1, -1, dtype=np.int64)) * 1000
AGO = np.arange(MINUTES - 1, -1, -1)
"""Minutes before the end of the block, which is its last hour."""
NONE = np.nan


def over(*spans: tuple[float, float]) -> Values:
    """Values that hold from so many hours before the end on."""
    values = np.full(MINUTES, NONE)
    for since, value in spans:
        values[since * HOUR > AGO] = value
    return values


STEPS = np.arange(MINUTES, dtype=float)
SHOWN = {
    "idle": over((25, 7)),
    "busy": STEPS,
    "earlier": np.minimum(STEPS, MINUTES - 12 * HOUR),
    "just-before": over((25, 1), (1.5, 2)),
    "born-before": over((1.5, 1)),
    "daily": over((25, 3), (20, NONE), (0.5, 3)),
    "gone": over((25, 5), (9, NONE)),
    "outage-idle": over((25, 7)),
    "outage-used": over((25, 7), (3, 9)),
    "outage-born": over((3, 1)),
    "long-outage": over((25, 7)),
}
_DOWN = over((25, 1), (7, 0), (0.5, 1))
UP = {
    "outage-idle": _DOWN,
    "outage-used": _DOWN,
    "outage-born": _DOWN,
    "long-outage": over((25, 1), (20, 0), (0.5, 1)),
}
UNUSED = {"idle", "earlier", "born-before", "gone", "outage-idle"}
"""Those who were not used in the last hour. An outage as long as the look back hides whether there was use: it was."""


@pytest.fixture(scope="module")
def play(lab: Lab) -> Iterator[Play]:
    """A Prometheus with a day of every product."""
    url = lab.another_prometheus("remembering")
    for product in PRODUCTS:
        write(url, history(product, shown_by(product), UP, TIMES))
    sidecar = next(one for one in PRODUCTS if one.dialect == "istio")
    gappy = tuple(pod_of(sidecar, fate) for fate in UP)
    yield Play(PrometheusServer(url), Spans(60, 3600), END, cluster(SHOWN), gappy)
    lab.processes.stop("remembering")


def shown_by(product: Product) -> dict[str, Values]:
    """What its processes show: where idle series expire, those that stand still are gone after ten minutes."""
    if kind_of(product) != "expiring":
        return SHOWN
    return {name: expired(values) for name, values in SHOWN.items()}


def expired(values: Values) -> Values:
    """``values`` only where they changed or were born in the last ten minutes."""
    born = ~np.isnan(values) & np.isnan(np.r_[NONE, values[:-1]])
    used = born | (np.nan_to_num(np.diff(values, prepend=np.nan)) != 0)
    fresh = np.convolve(used, np.ones(10))[:MINUTES] > 0
    return np.where(fresh, values, NONE)


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.name)
def test_who_was_used_over_hours(play: Play, product: Product) -> None:
    """What changed over an outage, came back, or was hidden too long to tell was used; what stood still was not."""
    used = set(SHOWN) - UNUSED
    if kind_of(product) == "expiring":
        used = {"busy", "daily"}
    if product.dialect == "istio":
        # Its proxies are heard in every scrape, so that nothing falls between two hours of theirs.
        used -= {"just-before"}
    assert set(play.callees(product, play.signs(product))) == used


@pytest.mark.parametrize("product", [one for one in PRODUCTS if counts(one)], ids=lambda one: one.name)
def test_how_much_they_were_used_in_an_hour(play: Play, product: Product) -> None:
    """One call a minute is sixty in the hour; what stood still counts nothing."""
    found = play.callees(product, play.volume(product))
    assert set(found) & UNUSED == set()
    grown = [row.values[-1] * play.spans.hour_share for row in found["busy"]]
    assert grown == pytest.approx([HOUR] * len(grown), rel=0.01)
