"""What every Deployment should come to, worked out anew in plain Python from what was observed."""

from dataclasses import dataclass
from math import ceil, floor

ZONES = 3
HEADROOM, UTILISATION = 1.1, 0.7


@dataclass(frozen=True, slots=True)
class Facts:
    """One Deployment at the end: declared ``capacity`` (requests per second, None when it is never called), its highest
    ``peak``, the highest CPU of all replicas together, ``request`` in cores, the ``skew`` of its zones, and the least
    count that protections allow."""

    capacity: float | None
    peak: float
    cpu_peak: float
    request: float
    skew: int
    least: int


def survivors(count: int, skew: int) -> int:
    """What is left after the worst of one replica, one zone and a rollout by 25 %."""
    return max(0, min(count - 1, count - (ceil(count / ZONES) + skew), count - floor(count / 4)))


def need(facts: Facts) -> int:
    """The least count that carries the peak with headroom after the worst failure; 0 for what is never called."""
    if facts.capacity is None:
        return 0
    count = 1
    while (
        survivors(count, facts.skew) * facts.capacity < HEADROOM * facts.peak
        or survivors(count, facts.skew) * UTILISATION * facts.request < facts.cpu_peak
    ):
        count += 1
    return count


def count(facts: Facts, bought: int, held_at: int) -> int:
    """Where pruning ends: the floor, the need, the steps that the spare bought, or what holds it for now."""
    return max(facts.least, need(facts), bought, held_at)
