"""Each backend's own words for a query that is too much; and those that sound alike and are not."""

import pytest

from microglia.observe.refusals import too_much, words

TOO_MUCH = [
    (422, "query processing would load too many samples into memory in query execution"),
    (503, "query timed out in expression evaluation"),
    (400, "exceeded maximum resolution of 11,000 points per timeseries"),
    (422, "rpc error: code = ResourceExhausted desc = exceeded series limit: limit 1000 violated (got 1001)"),
    (422, "the query exceeded the maximum number of chunks (limit: 2000000 chunks) (err-mimir-max-chunks-per-query)"),
    (422, "the query time range exceeds the limit (query length: 745h, limit: 721h) (err-mimir-max-query-length)"),
    (422, "expanding series: the query hit the max number of series limit (limit: 100000 series)"),
    (422, "cannot select more than -search.maxSamplesPerQuery=1000000000 samples"),
    (422, "the number of matching timeseries exceeds 300000"),
    (503, "timeout exceeded before the query is processed; see -search.maxQueryDuration=30s"),
    (400, "RESOURCE_EXHAUSTED: the query needs too much memory"),
    (504, "upstream request timeout"),
    (413, "Request Entity Too Large"),
]  # fmt: skip
OTHER = [
    (422, 'fetch series for {store="west"}: rpc error: code = Unavailable desc = connection refused'),
    (422, "vector cannot contain metrics with the same labelset"),
    (429, "too many outstanding requests"),
    (429, "the request has been rejected (err-mimir-tenant-max-request-rate): timeout exceeded"),
    (503, "couldn't start executing the request: 16 concurrent requests are executed; timeout exceeded"),
    (400, "parse error: unexpected end of input"),
    (503, "starting"),
]


@pytest.mark.parametrize(("status", "told"), TOO_MUCH)
def test_what_a_shorter_span_may_avoid(status, told):
    """It is too much at once, with a way out for people."""
    assert "look at a shorter window" in str(too_much(status, {}, told))


@pytest.mark.parametrize(("status", "told"), OTHER)
def test_what_halves_would_only_make_worse(status, told):
    """A store that is away, a busy tenant, a wrong query: more queries are no remedy."""
    assert too_much(status, {}, told) is None


def test_a_timeout_is_known_by_its_type():
    """Whatever its words are."""
    assert too_much(503, {"errorType": "timeout"}, "gave up")
    assert too_much(503, {"errorType": "unavailable"}, "gave up") is None


def test_errors_speak_in_two_forms():
    """Prometheus' and Google's; a message where there is no error, nothing where there is neither."""
    assert words({"error": "no"}) == "no"
    assert (
        words({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}}) == "RESOURCE_EXHAUSTED: slow"
    )
    assert words({"message": "Forbidden"}) == "Forbidden"
    assert words({}) == ""
