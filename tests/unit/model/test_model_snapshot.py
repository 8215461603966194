"""Snapshots."""

from dataclasses import replace

from microglia.model.objects import BlindSpot, Objects
from tests.factories import snapshot


def test_blind_spots_come_from_objects_and_from_metrics():
    """Both kinds of missing sight are listed together, objects first."""
    seen = snapshot()
    blind = replace(
        seen,
        objects=Objects({}, (BlindSpot("Lease", "forbidden"),)),
        activity=replace(seen.activity, faults=("a day was partial",)),
    )
    assert blind.blind_spots == (BlindSpot("Lease", "forbidden"), BlindSpot("metrics", "a day was partial"))
    assert blind.window == seen.activity.window
