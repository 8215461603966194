"""What remote write sends, checked without a Prometheus."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lab.remote_write import STALE, Series, encode

# By hand from the protobuf encoding: TimeSeries{Label{"__name__", "m"}, Sample{1.0, 1}}, the time in a padded varint.
_ONE = bytes.fromhex("0a210a0d0a085f5f6e616d655f5f12016d121009000000000000f03f10818080808000")


def _series(times: list[int], values: list[float], **labels: str) -> Series:
    return Series({"__name__": "m", **labels}, np.array(times, dtype=np.int64), np.array(values, dtype=np.float64))


def test_one_sample_is_encoded_byte_for_byte() -> None:
    """The message is what the protobuf encoding says it is."""
    assert encode(_series([1], [1.0])) == (_ONE, 1)


def test_missing_samples_are_dropped_and_staleness_markers_are_not() -> None:
    """A NaN is a missing sample, unless it is the very NaN that ends a series."""
    encoded, count = encode(_series([1, 2, 3], [1.0, float("nan"), STALE]))
    assert count == 2
    assert bytes.fromhex("0200000000 00f07f".replace(" ", "")) in encoded


def test_labels_are_sorted() -> None:
    """Prometheus refuses labels out of order."""
    encoded, _ = encode(_series([1], [1.0], zone="b", app="a"))
    assert encoded.index(b"__name__") < encoded.index(b"app") < encoded.index(b"zone")


@pytest.mark.parametrize(
    ("series", "complaint"),
    [
        (Series({"app": "a"}, np.array([1]), np.array([1.0])), "__name__ is missing"),
        (_series([1, 2], [1.0]), "make them equal"),
        (_series([1 << 42], [1.0]), "not milliseconds"),
        (_series([-1], [1.0]), "not milliseconds"),
    ],
)
def test_a_series_that_cannot_be_written_is_named(series: Series, complaint: str) -> None:
    """The error names the series and what is wrong with it."""
    with pytest.raises(ValueError, match=complaint):
        encode(series)
