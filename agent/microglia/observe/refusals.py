"""How each backend says that a query was too much at once, and what a person may do about it."""

import re
from collections.abc import Mapping

_SHORTER = "look at a shorter window"
_TOO_MUCH = tuple(
    (re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        # Prometheus, and Thanos with its engine.
        (r"too many samples", f"it may be too much at once: raise --query.max-samples, or {_SHORTER}"),
        (r"exceeded maximum resolution of [\d,]+ points", f"it may be too much at once: {_SHORTER}"),
        (r"query timed out", f"it took too long: raise --query.timeout, or {_SHORTER}"),
        # Thanos' store limits.
        (
            r"limit \d+ violated|exceeded (series|chunks|samples|bytes) limit",
            f"it may be too much at once: raise --store.grpc.series-sample-limit and its siblings, or {_SHORTER}",
        ),
        # Mimir, GEM, Grafana Cloud; Cortex, and so Amazon's.
        (
            (
                r"err-mimir-max-(series|chunks|estimated-chunks|chunks-bytes|estimated-memory-consumption)(-per-query)?\b"
                r"|err-mimir-max-(total-)?query-length|query time range exceeds the limit"
                r"|hit the (max number of (series|chunks|samples)|aggregated (chunks|data) size) limit"
                r"|max_samples_processed|samples processed (threshold|limit)"
            ),
            f"it may be too much at once: raise the tenant's limits, or {_SHORTER}",
        ),
        # VictoriaMetrics.
        (
            (
                r"-search\.max(SamplesPerQuery|SamplesPerSeries|PointsPerTimeseries|UniqueTimeseries|MemoryPerQuery)"
                r"|number of matching timeseries exceeds|not enough memory for processing"
            ),
            f"it may be too much at once: raise the -search.max* flag that it names, or {_SHORTER}",
        ),
        (
            r"-search\.maxQueryDuration|timeout exceeded|cannot be (completed|executed) in [\d.]+ ?s",
            f"it took too long: raise -search.maxQueryDuration, or {_SHORTER}",
        ),
        # Google's front end.
        (r"RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED", f"it may be too much at once: {_SHORTER}"),
    )
)
"""What servers say of a query that a shorter span may avoid, and the way out where it does not."""
_SLOW = f"it took too long: raise the server's or the proxy's timeout, or {_SHORTER}"
_LARGE = f"the reply is too large for what is in between: {_SHORTER}"
_OTHER = re.compile(r"tenant-max-request-rate|too many outstanding requests|concurrent requests", re.IGNORECASE)
"""A tenant or a server that is busy: shorter queries are only more of them."""


def too_much(status: int, envelope: Mapping[str, object], told: str) -> str | None:
    """The way out for a query that was too much, as a reply of ``status`` tells; None when it tells something else.

    Not every failed execution is one: what a store that is away could not answer is no better in halves.
    """
    if _OTHER.search(told):
        return None
    for pattern, remedy in _TOO_MUCH:
        if pattern.search(told):
            return remedy
    if status == 504 or (status == 503 and envelope.get("errorType") == "timeout"):
        return _SLOW
    return _LARGE if status == 413 else None


def words(envelope: Mapping[str, object]) -> str:
    """What an error says of itself, in Prometheus' form or in Google's; empty when it says nothing."""
    error = envelope.get("error")
    if isinstance(error, Mapping):
        return ": ".join(str(error[key]) for key in ("status", "message") if error.get(key))
    return str(error or envelope.get("message") or "")
