"""Metrics that have ended since: what is pruned now could not be watched."""

from typing import Any

import pytest

from microglia.verify.clear import Cleared, Refused, verify, winnow
from tests.unit.verify.verify_world import merged, scene

LAST = 335
"""The last of the 336 hours."""
ROUTE: dict[str, Any] = {"scale": {"cart": None}, "hide": {"web": ["search"]}}


def _refused(case: dict[str, Any]) -> list[str]:
    one = scene(case)
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    found = checked.refusals if isinstance(checked, Refused) else ()
    return [refusal.message for refusal in found if refusal.gate == "freshness"]


def _deaf(name: str, *hours: int, **told: Any) -> dict[str, Any]:
    return {"world": {"workloads": {name: {"deaf_hours": list(hours), **told}}}}


@pytest.mark.parametrize(
    ("deaf", "count"),
    [
        ({"deaf_hours": [LAST]}, 1),
        ({"partial_hours": [LAST]}, 1),
        ({"deaf_hours": [LAST - 1]}, 0),
    ],
)
def test_the_last_closed_hour_must_have_been_heard(deaf: dict[str, Any], count: int) -> None:
    """The last hour of all sidecars is missing, or was not read whole: refused once. An hour before it: other gates."""
    assert len(_refused({"world": deaf})) == count


@pytest.mark.parametrize("peak", [150, 0], ids=["busy", "idle"])
@pytest.mark.parametrize(
    ("case", "count"),
    [
        (_deaf("cart", LAST - 1), 0),
        (_deaf("cart", LAST), 1),
        (_deaf("cart", LAST - 1, LAST), 1),
        (_deaf("search", LAST - 1, LAST), 0),
        ({**_deaf("web", LAST - 1, LAST), "plan": ROUTE}, 1),
        ({**_deaf("search", LAST - 1, LAST), "plan": ROUTE}, 0),
    ],
    ids=["an hour before", "the last hour", "two hours", "another workload", "the client", "the host"],
)
def test_each_workload_that_loses_anything_must_be_heard(case: dict[str, Any], count: int, peak: float) -> None:
    """Its own series ended while all others go on: neither its copies nor its routes go, whether it is idle or not."""
    assert len(_refused(merged(case, {"world": {"workloads": {"cart": {"peak": peak}}}}))) == count


@pytest.mark.parametrize(("share", "count"), [(0.89, 1), (0.9, 0), (0.91, 0)])
def test_nine_tenths_of_an_hour_are_heard_enough(share: float, count: int) -> None:
    """An hour with fewer heartbeats could not be compared by those who watch."""
    found = _refused({"world": {"workloads": {"cart": {"last_heard": share}}}})
    assert len(found) == count
    assert all("its sidecars were heard in 89 % of the last closed hour, 90 % are needed" in one for one in found)


def test_silence_is_told_with_its_hour_and_the_way_out() -> None:
    """The hour that is missing, what that would cost, and what to look at."""
    (message,) = _refused({"world": {"deaf_hours": [LAST]}})
    assert message.startswith("no sidecar was heard throughout the last closed hour (29 Jun 2026 10:00 UTC)")
    assert "is Prometheus still scraping them?" in message


@pytest.mark.parametrize(("hours", "told"), [([LAST], "1h"), ([LAST - 2, LAST - 1, LAST], "3h"), (range(336), "14d")])
def test_the_silence_of_one_workload_is_told_with_its_length(hours: Any, told: str) -> None:
    """How long it has been silent, and that its pods are there."""
    (message,) = _refused(_deaf("cart", *hours))
    assert message.startswith(
        f"its sidecars were not heard for {told}, and 6 of its pods are Ready (the last closed hour: 29 Jun 2026 10:00"
    )


def test_what_was_never_named_is_left_to_other_gates() -> None:
    """No row in the metrics is no demand known, which is said elsewhere."""
    assert _refused({"world": {"workloads": {"cart": {"meshed": False, "unnamed": True}}}}) == []


def test_a_draft_goes_on_without_the_silent_one() -> None:
    """The others need not wait for it."""
    one = scene({**_deaf("web", LAST), "plan": {"hide": {"web": ["search"]}}})
    checked = winnow(one.plan, one.topology, one.history, one.policy, one.now)
    assert isinstance(checked, Cleared)
    assert [change.element for change in checked.plan.changes] == ["replica:shop/cart"]
    assert checked.plan.held[0].why.startswith("gate freshness: its sidecars were not heard for 1h")


def test_nothing_to_take_needs_nobody_to_watch() -> None:
    """A plan that only gives back is cleared in the dark."""
    assert _refused({"world": {"deaf_hours": [LAST]}, "plan": {"scale": {"cart": {"after": 7}}}}) == []
    assert _refused({**_deaf("cart", LAST), "plan": {"scale": {"cart": {"after": 7}}}}) == []
