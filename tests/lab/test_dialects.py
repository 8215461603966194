"""What each dialect's expressions say of series that were born, idle, expired, restarted or missed, by Prometheus."""

from __future__ import annotations

import time

import numpy as np
import pytest

from microglia.observe.dialects.expressions import Expression, Spans, filled
from microglia.observe.dialects.loading import built_in
from microglia.observe.dialects.making import expressions, present
from microglia.observe.prometheus import PrometheusServer
from tests.lab import Lab
from tests.lab.remote_write import STALE, Series, write

MINUTES = 720
BLOCK = 60
SPANS = Spans(60, BLOCK * 60)
END = int(time.time()) // 60 * 60 - 600
TIMES = (END - 60 * np.arange(MINUTES - 1, -1, -1, dtype=np.int64)) * 1000
AGO = np.arange(MINUTES - 1, -1, -1)
"""Minutes before the end of the block, which is its last hour."""
GONE = np.nan


def over(*spans: tuple[int, float]) -> np.ndarray:
    """Values that hold from so many minutes before the end on; a series that goes leaves a staleness marker."""
    values = np.full(MINUTES, GONE)
    for since, value in spans:
        values[since >= AGO] = value
    ends = np.flatnonzero(np.isnan(values[1:]) & ~np.isnan(values[:-1])) + 1
    values[ends] = STALE
    return values


IDLE = over((MINUTES, 7))
MISSED = over((MINUTES, 7), (30, GONE), (20, 7))
ROWS = {
    "idle": IDLE,
    "active": np.arange(MINUTES, dtype=float),
    "born": over((40, 1)),
    "reborn-equal": over((MINUTES, 3), (120, GONE), (40, 3)),
    "reborn-higher": over((MINUTES, 2), (120, GONE), (40, 3)),
    "restarted": over((MINUTES, 5), (40, GONE), (35, 5)),
    "reset": over((MINUTES, 5), (30, 1)),
    "missed": MISSED,
    "expired": over((MINUTES, 5), (120, GONE)),
}
PERSISTENT = {"active", "born", "reborn-equal", "reborn-higher", "restarted", "reset"}
"""What was used in the block, by the table of classes; what its target missed was not."""


def series(metric: str, name: str, values: np.ndarray, **labels: str) -> Series:
    return Series({"__name__": metric, "job": "play", "instance": name, **labels}, TIMES, values)


@pytest.fixture(scope="module")
def server(lab: Lab) -> PrometheusServer:
    """A Prometheus with twelve hours of three dialects, one target per row of the table."""
    url = lab.another_prometheus("dialects")
    history = []
    for name, values in ROWS.items():
        up = over((MINUTES, 1), (30, 0), (20, 1)) if name == "missed" else np.ones(MINUTES)
        history.append(series("up", name, up))
        history.append(series("traefik_service_requests_total", name, values, service=f"shop-{name}-80@kubernetes"))
        history.append(series("traefik_config_last_reload_success", name, np.ones(MINUTES)))
        linkerd = {"direction": "outbound", "dst_namespace": "shop", "dst_service": name, "namespace": "shop"}
        history.append(series("request_total", name, values, **linkerd))
        noise = {"direction": "inbound", "namespace": "shop", "deployment": name}
        history.append(series("request_total", name, np.arange(MINUTES, dtype=float), target_port="4191", **noise))
        history.append(series("request_total", name, np.arange(MINUTES, dtype=float), route_name="probe", **noise))
    history.append(series("proxy_build_info", "linkerd", over((MINUTES, 1), (300, GONE))))
    configured = {"idle": np.zeros(MINUTES), "active": ROWS["active"], "reset": over((MINUTES, 5), (30, 0))}
    for name, values in {**configured, "born": over((40, 0)), "born-used": over((40, 2))}.items():
        history.append(series("haproxy_backend_http_requests_total", name, values, proxy=f"shop_{name}_80"))
    write(url, history)
    return PrometheusServer(url)


def used(server: PrometheusServer, name: str, label: str) -> set[str]:
    """Whom the signs of a dialect name."""
    signs = expressions(next(one for one in built_in() if one.name == name))[0]
    reply = server.query(filled(signs, SPANS), END)
    assert reply.complete
    return {row.labels[label] for row in reply.rows if label in row.labels}


def test_signs_of_what_stays(server: PrometheusServer) -> None:
    """Birth, re-birth at the same value, restart and reset are use; idleness and a missed scrape are not."""
    told = used(server, "traefik", "service")
    assert told == {f"shop-{name}-80@kubernetes" for name in PERSISTENT}


def test_signs_of_what_expires(server: PrometheusServer) -> None:
    """What is there was used, and what expired before the block was not; scrapes and probes are no use of anyone."""
    assert used(server, "linkerd", "dst_service") == set(ROWS) - {"expired"}
    assert used(server, "linkerd", "deployment") == set()


def test_signs_of_what_begins_at_zero(server: PrometheusServer) -> None:
    """Zero is no use, born or not; a value, a change and a reset are."""
    assert used(server, "haproxy", "proxy") == {f"shop_{name}_80" for name in ("active", "reset", "born-used")}


def test_every_expression_is_understood(server: PrometheusServer) -> None:
    """Prometheus reads what is made of each dialect, with a scope and without."""
    for dialect in built_in():
        for one in expressions(dialect):
            for scope in ("", 'cluster="x"'):
                assert server.query(filled(one, SPANS, scope), END).complete


def test_the_probe_finds_what_is_there(server: PrometheusServer) -> None:
    """One query names the dialects that are there, and one that fell silent hours ago."""
    reply = server.query(filled(Expression("once", "block", present(built_in())), SPANS), END)
    assert {row.labels["dialect"] for row in reply.rows} == {"traefik", "linkerd"}
