"""Bodies of range queries: every point comes through, and what is written in any other way is read as ever."""

import json

import numpy as np
import pytest

from microglia.observe.points import Points, parsed
from microglia.observe.replies import read_reply
from microglia.observe.session import Access, PostingSession

SERIES = [
    ({"a": "b", "what": "pod"}, [[1000, "1.5"], [1300.5, "2e-05"], [1600, "0.30000000000000004"]]),
    ({}, [[1300, "7"]]),
    ({"label": 'odd "values":[[1,"2"]] here]]', "values": "x"}, [[1000, "-3"], [1300, "0"]]),
]


def body(series=SERIES, *, compact=True, **more):
    result = [{"metric": labels, "values": points} for labels, points in series]
    envelope = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    return json.dumps(envelope, separators=(",", ":") if compact else None).encode()


def rows_of(text):
    envelope = parsed(text)
    reply = read_reply(envelope["data"]["result"], envelope)
    return reply, [(dict(row.labels), row.times.tolist(), row.values.tolist()) for row in reply.rows]


@pytest.mark.parametrize("compact", [True, False])
def test_every_point_is_there(compact):
    """Labels, moments and values are those of the body to the last digit, however it is spaced and whatever its labels
    hold."""
    reply, rows = rows_of(body(compact=compact, infos=["a note"]))
    assert reply.complete
    assert rows == [
        (labels, [float(moment) for moment, _ in points], [float(value) for _, value in points])
        for labels, points in SERIES
    ]


def test_points_are_arrays():
    """A compact body has no list of points."""
    first = parsed(body())["data"]["result"][0]["values"]
    assert isinstance(first, Points)
    assert (first.times.dtype, first.values.tolist()) == (np.float64, [1.5, 2e-05, 0.30000000000000004])


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_not_silence(value):
    """A series with such a value is left out, and the reply is not whole."""
    reply, rows = rows_of(body([*SERIES, ({"bad": "x"}, [[1000, "1"], [1300, value]])]))
    assert (reply.complete, len(rows)) == (False, 3)
    assert reply.faults == ("1 rows were native histograms, NaN, infinite or unreadable",)


def test_histograms_beside_values():
    """A series with native histograms is left out, whether it has values besides or not, and the rest is read."""
    mixed = json.loads(body())
    mixed["data"]["result"][0]["histograms"] = [[1000, {"count": "1"}]]
    mixed["data"]["result"].append({"metric": {}, "histograms": [[1000, {"count": "1"}]]})
    reply, rows = rows_of(json.dumps(mixed, separators=(",", ":")).encode())
    assert (reply.complete, len(rows)) == (False, 2)


@pytest.mark.parametrize(
    "points", [[[1000]], [[1000, "1"], [1300]], [[1000, "1"], [1300, "2", "3"], [1600]], [[1000, "x"]], [[[1000, "1"]]]]
)
def test_points_of_another_form(points):
    """What is not a moment and a number each is unreadable in its own series only."""
    reply, rows = rows_of(body([*SERIES, ({}, points)]))
    assert [labels for labels, _, _ in rows[:3]] == [labels for labels, _ in SERIES]
    assert not reply.complete


@pytest.mark.parametrize("text", [b"", b"<html>", body()[:-1], body()[:40], b'{"a":1,"values":[[1,"2"'], ids=len)
def test_a_body_that_is_cut_off(text):
    """Half a body is no body."""
    with pytest.raises(ValueError, match=r".*"):
        parsed(text)


@pytest.mark.parametrize(
    "text", [b'{"values":[[1,"2"]]}', b'[{"values":[[1,"2"]]}]', b'{"data":{"result":7},"values":[[1,"2"]]}']
)
def test_json_that_is_no_reply(text):
    """Other JSON is what it is."""
    assert parsed(text) == json.loads(text)


def test_a_series_without_points():
    """Beside it, all others are read as lists, and lose nothing."""
    text = body([*SERIES, ({}, [])])
    assert parsed(text) == json.loads(text)


def test_bodies_come_unpacked():
    """A server near by is not asked to pack what takes longer to pack than to send."""
    assert PostingSession(Access()).headers["Accept-Encoding"] == "identity"
