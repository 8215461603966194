"""Shares, caps and freezes."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from microglia.lifecycle.pace import allowance, frozen, limit, shares
from microglia.lifecycle.states import Phase, State
from microglia.policy.schema import Cap, Freeze, Pace

NOW = datetime(2026, 6, 29, 12, tzinfo=UTC)


def pruning(number: int, taken: float = 0.0) -> State:
    return State("s", Phase.PRUNING, NOW, round=number, entry={"cpu": 30.0, "memory": 15.0}, taken={"cpu": taken})


def test_decreasing_shares_fall_by_equal_steps() -> None:
    """Five rounds take 5, 4, 3, 2 and 1 fifteenths."""
    assert shares(Pace(rounds=5)) == pytest.approx([5 / 15, 4 / 15, 3 / 15, 2 / 15, 1 / 15])


def test_constant_shares_are_equal() -> None:
    """A constant rate splits the excess evenly."""
    assert shares(Pace(rounds=4, rate="constant")) == (0.25,) * 4


def test_allowance_is_what_the_rounds_so_far_left() -> None:
    """Round 2 of 5 may take 9/15 of the entry excess less what was taken; resources are counted apart."""
    assert allowance(pruning(2, taken=8.0), Pace()) == {"cpu": pytest.approx(10.0), "memory": pytest.approx(9.0)}


def test_allowance_is_never_negative() -> None:
    """A first element larger than the round's share leaves nothing, not a debt."""
    assert allowance(pruning(1, taken=12.0), Pace())["cpu"] == 0.0


def test_the_last_round_takes_the_rest() -> None:
    """Round 5 of 5 is bounded by the selection alone."""
    assert allowance(pruning(5), Pace()) == {"cpu": math.inf, "memory": math.inf}


@pytest.mark.parametrize("phase", [Phase.EXPOSING, Phase.HARDENED])
def test_outside_pruning_nothing_may_be_taken(phase: Phase) -> None:
    """Only rounds prune."""
    assert allowance(State("s", phase, NOW, entry={"cpu": 3.0}), Pace()) == {"cpu": 0.0}


@pytest.mark.parametrize(
    ("population", "allowed"), [(0, 1), (9, 1), (10, 1), (20, 2), (29, 2), (30, 3), (499, 49), (500, 50), (900, 50)]
)
def test_caps_have_a_floor_and_a_ceiling(population: int, allowed: int) -> None:
    """10 %, rounded down, at least 1 and at most 50."""
    assert limit(Cap(share=0.1, at_least=1, at_most=50), population) == allowed


def test_a_cap_without_ceiling_is_its_share() -> None:
    """A tenth of a large workload may go in one step."""
    assert limit(Cap(share=0.1), 900) == 90


def test_no_freeze_leaves_pruning_free() -> None:
    """Without freezes, and outside of them, nothing is frozen."""
    weekend = Freeze(cron="0 18 * * 5", lasts=timedelta(hours=62))
    assert frozen((), NOW) is None
    assert frozen((weekend,), datetime(2026, 6, 29, 8, 0, tzinfo=UTC)) is None


def test_a_freeze_holds_from_its_start_until_it_has_lasted() -> None:
    """Friday 18:00 UTC and 62 hours: frozen on Monday at 07:59, free at 08:00."""
    weekend = Freeze(cron="0 18 * * 5", lasts=timedelta(hours=62))
    ice = frozen((weekend,), datetime(2026, 6, 29, 7, 59, tzinfo=UTC))
    assert ice is not None
    assert (ice.freeze, ice.since) == (weekend, datetime(2026, 6, 26, 18, tzinfo=UTC))
    assert ice.until == datetime(2026, 6, 29, 8, tzinfo=UTC)


def test_the_freeze_that_ends_last_is_told() -> None:
    """Of two that hold, the way out is the later end."""
    short, long = Freeze(cron="0 11 * * *", lasts=timedelta(hours=2)), Freeze(cron="0 10 * * *", lasts="9h")
    ice = frozen((short, long), NOW)
    assert ice is not None
    assert ice.until == datetime(2026, 6, 29, 19, tzinfo=UTC)


def test_cron_is_read_in_its_own_time_zone() -> None:
    """18:00 in Berlin is 16:00 UTC in summer."""
    evening = Freeze(cron="0 18 * * *", lasts=timedelta(hours=1), time_zone="Europe/Berlin")
    assert frozen((evening,), datetime(2026, 6, 29, 16, 30, tzinfo=UTC)) is not None
    assert frozen((evening,), datetime(2026, 6, 29, 18, 30, tzinfo=UTC)) is None


def test_a_skipped_start_moves_on() -> None:
    """02:30 does not exist on the night the clocks go forward; the freeze begins at 03:00 local, 01:00 UTC."""
    night = Freeze(cron="30 2 * * *", lasts=timedelta(hours=1), time_zone="Europe/Berlin")
    ice = frozen((night,), datetime(2026, 3, 29, 1, 10, tzinfo=UTC))
    assert ice is not None
    assert ice.since == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_repeated_start_counts_once() -> None:
    """02:30 comes twice on the night the clocks go back; only the first begins the freeze, which lasts elapsed time."""
    night = Freeze(cron="30 2 * * *", lasts=timedelta(minutes=50), time_zone="Europe/Berlin")
    assert frozen((night,), datetime(2026, 10, 25, 0, 40, tzinfo=UTC)) is not None
    assert frozen((night,), datetime(2026, 10, 25, 1, 40, tzinfo=UTC)) is None
