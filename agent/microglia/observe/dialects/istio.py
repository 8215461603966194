"""Istio sidecars: what their proxies export, and how to read it.

Class P: a series is born with its first use and stays until its proxy restarts. So a birth is a sign of use. It is
volume only where its target was heard before it: after a gap, or from a new target, nobody knows when it was counted.
Both reporters are read; neither is complete, and their larger one counts. The heartbeat is ``istio_build`` of the same
target: it is missing from exactly those scrapes from which the traffic series are missing as well.
"""

from microglia.observe.dialects.expressions import Expression

NAME = "istio"
LOOKED_FOR = ("istio_requests_total", "istio_tcp_connections_opened_total", 'istio_build{component="proxy"}')
EDGE = (
    "source_workload_namespace", "source_workload", "destination_service", "destination_service_name",
    "destination_service_namespace", "destination_workload_namespace", "destination_workload", "request_protocol",
)  # fmt: skip
_EDGE = ", ".join(EDGE)
_BOTH = 'reporter=~"source|destination"$scope'
_BUILD = 'istio_build{component="proxy"$scope}'
_TARGET = "job, instance, namespace, pod"


# Four moments of the day before will do: who was down at all of them counts as new, which is the safe side.
def _before(span: str) -> str:
    return "(" + " or ".join(f"{_BUILD} offset {span}{number}" for number in range(4)) + ")"


def _expected(heard: str, before: str) -> str:
    """How many samples a series of each target would have, had it been there all the time.

    A target that the day before did not know is new, and so is all that it counts: no number of samples is enough.
    Without a day before, nothing is new.
    """
    return f"""(
    label_replace(1e9 * (max by ({_TARGET}) ({heard} unless {before})) and on () (count({before}) > 0),
      "age", "new", "", "")
    or on ({_TARGET}) label_replace(max by ({_TARGET}) ({heard}), "age", "old", "", ""))"""


_COUNTED = (
    ("requests", "istio_requests_total"),
    ("opened", "istio_tcp_connections_opened_total"),
    ("sent", "istio_tcp_sent_bytes_total"),
    ("received", "istio_tcp_received_bytes_total"),
    ("asked", "istio_request_messages_total"),
    ("answered", "istio_response_messages_total"),
)


def _marked(name: str, expression: str) -> str:
    return f'label_replace({expression}, "what", "{name}", "", "")'


def _each(function: str, span: str, matchers: str, condition: str = "") -> str:
    """``function`` over every counter that shows use, each under its mark."""
    return "\n    or ".join(
        _marked(name, f"{function}({metric}{{{matchers}}}[{span}]){condition}") for name, metric in _COUNTED
    )


def _missing(span: str, matchers: str, build: str) -> str:
    """Series that were missing from a scrape that their target answered: born, evicted or restarted."""
    return f"""group by (what, age, {_EDGE}, response_flags) ((
    {_each("count_over_time", span, matchers)})
  < on ({_TARGET}) group_left (age) {_expected(f"count_over_time({build}[{span}])", _before(span))})"""


VOLUME = Expression(
    "volume",
    "hour",
    f"""{
        _marked(
            "requests",
            f'''
  sum by (reporter, {_EDGE}, response_code, response_flags, grpc_response_status) (
    increase(istio_requests_total{{{_BOTH}}}[$hour])) > 0''',
        )
    }
or {
        _marked(
            "connections",
            f'''
  sum by (reporter, {_EDGE}) (increase(istio_tcp_connections_opened_total{{{_BOTH}}}[$hour])) > 0''',
        )
    }""",
)
SIGNS = Expression("signs", "block", _missing("$seam", _BOTH, _BUILD))
# Between scrapes that follow each other, volume sees every change. Pods ``$only`` missed some: what changed over such a
# gap is looked for from far before the block to just after it.
_GAPPY = 'pod=~"$only"'
GAPS = Expression(
    "gaps",
    "after",
    f"""group by (what, age, {_EDGE}, response_flags) (
    {_each("changes", "$look", f"{_GAPPY},{_BOTH}", " > 0")})
or {_missing("$look", f"{_GAPPY},{_BOTH}", f'istio_build{{{_GAPPY},component="proxy"$scope}}')}""",
)
# First values of series that were born while their target was already heard: they are volume after all. ``$only`` names
# the destinations for which ``SIGNS`` found such births; the rest has none.
BIRTHS = Expression(
    "births",
    "hour",
    f"""{
        _marked(
            "births",
            f'''
  sum by (reporter, {_EDGE}, response_code, response_flags, grpc_response_status) (
    (min_over_time(istio_requests_total{{destination_workload=~"$only",{_BOTH}}}[1h])
      unless count_over_time(istio_requests_total{{destination_workload=~"$only",{_BOTH}}}[1h] offset 1h))
    and on ({_TARGET}) count_over_time({_BUILD}[1h] offset 1h))''',
        )
    }""",
)
PEAKS = Expression(
    "peaks",
    "slot",
    f"""{
        _marked(
            "pod",
            '''
  sum by (namespace, pod, destination_workload_namespace, destination_workload) (
    rate(istio_requests_total{reporter="destination"$scope}[$peak]))''',
        )
    }
or {
        _marked(
            "callers",
            '''
  sum by (destination_workload_namespace, destination_workload) (
    rate(istio_requests_total{reporter="source",destination_workload!="unknown"$scope}[$peak]))''',
        )
    }""",
)
# Request series stay while their proxies live: where nobody has any, they are dropped on the way, and heartbeats alone
# say nothing.
HEALTH = Expression(
    "health",
    "hour",
    f"""{
        _marked(
            "beats",
            f'''
  sum by (namespace, pod) (count_over_time({_BUILD}[1h]))
  and on () count(istio_requests_total{{{_BOTH}}})''',
        )
    }
or {
        _marked(
            "failed",
            '''
  sum by (namespace, pod) (
    (max_over_time(istio_agent_scrape_failures_total{type="envoy"$scope}[1h])
      unless max_over_time(istio_agent_scrape_failures_total{type="envoy"$scope}[1h] offset 1h))
    or increase(istio_agent_scrape_failures_total{type="envoy"$scope}[$hour])) > 0''',
        )
    }
or {
        _marked(
            "milliseconds",
            '''
  sum by (destination_workload_namespace, destination_workload) (
    increase(istio_request_duration_milliseconds_sum{reporter="destination"$scope}[$hour])) > 0''',
        )
    }""",
)
_DURATION = "istio_request_duration_milliseconds"
_WATCHED = 'reporter="destination",destination_workload=~"$only"$scope'
_SERVER = "destination_workload_namespace, destination_workload"


def slow(bound: float) -> Expression:
    """Requests to workloads ``$only`` slower than the bucket bound, milliseconds, and all that the same series timed.

    Prometheus 3 writes ``500.0`` where others write ``500``. An hour that has both tells nothing, and so does a series
    without this bucket: it has other bounds, or is a native histogram.
    """
    buckets = f'increase({_DURATION}_bucket{{le=~"{bound:.15g}|{bound:.15g}[.]0",{_WATCHED}}}[$hour])'
    total = f"increase({_DURATION}_count{{{_WATCHED}}}[$hour])"
    quick = f"(sum without (le) ({buckets}) and count without (le) ({buckets}) < 2)"
    return Expression(
        "slow",
        "hour",
        f"""{_marked("slow", f"sum by ({_SERVER}) ({total} - {quick})")}
or {_marked("timed", f"sum by ({_SERVER}) ({total} and {quick})")}""",
    )


EXPRESSIONS = (VOLUME, SIGNS, PEAKS, HEALTH)

SCRAPES = "quantile(0.9, count_over_time(" + _BUILD + "[1h]))"
TCP = "\nor ".join(
    f"count(istio_tcp_connections_opened_total{{{_BOTH}}}{moment})"
    for moment in ("", " offset 1d", " offset 3d", " offset 7d")
)
PRESENT = "count(last_over_time(" + _BUILD + "[3h]))"
VERSIONS = 'group by (tag) (last_over_time(istio_build{component="pilot"$scope}[1d]))'
