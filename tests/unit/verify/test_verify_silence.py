"""Metrics that have ended since: what is pruned now could not be watched."""

from typing import Any

import pytest

from microglia.verify.clear import Refused, verify
from tests.unit.verify.verify_world import scene

LAST = 335
"""The last of the 336 hours."""


def _refused(case: dict[str, Any]) -> list[str]:
    one = scene(case)
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    found = checked.refusals if isinstance(checked, Refused) else ()
    return [refusal.message for refusal in found if refusal.gate == "freshness"]


@pytest.mark.parametrize(
    ("deaf", "count"),
    [
        ({"deaf_hours": [LAST]}, 1),
        ({"deaf_hours": [LAST - 1]}, 0),
        ({"workloads": {"cart": {"deaf_hours": [LAST]}}}, 0),
    ],
)
def test_the_last_closed_hour_must_have_been_heard(deaf: dict[str, Any], count: int) -> None:
    """The last hour of all sidecars is missing: refused. An hour before it, or of one workload: other gates decide."""
    assert len(_refused({"world": deaf})) == count


def test_silence_is_told_with_its_hour_and_the_way_out() -> None:
    """The hour that is missing, what that would cost, and what to look at."""
    (message,) = _refused({"world": {"deaf_hours": [LAST]}})
    assert message.startswith("no sidecar was heard throughout the last closed hour (29 Jun 2026 10:00 UTC)")
    assert "is Prometheus still scraping them?" in message


def test_nothing_to_take_needs_nobody_to_watch() -> None:
    """A plan that only gives back is cleared in the dark."""
    assert _refused({"world": {"deaf_hours": [LAST]}, "plan": {"scale": {"cart": {"after": 7}}}}) == []
