"""Codes of what holds a count, sorted by what they mean to a budget."""

from typing import Final

STEPWISE: Final = frozenset({"stretch", "failureStretch"})
"""They hold one step, not the final count."""
UNSEEN: Final = frozenset({"unknown", "capacity", "cpu-unseen", "memory-unseen", "zones", "zone-peaks"})
"""Something could not be seen: UNKNOWN. Such a hold must never make room for pruning elsewhere."""
PINNING: Final = frozenset({"unhealthy", "not-request-driven", "no-count"})
"""Something was seen that forbids pruning: as if a rule pinned the workload."""
FLOORING: Final = frozenset({"memory", "short"})
"""Something was seen that needs this many copies: load-bearing."""
