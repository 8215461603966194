"""What there is of each resource, and how it was spent."""

from dataclasses import dataclass

import numpy as np

from microglia.compete.arena import Outcome
from microglia.compete.entrants import Entrants, Forced
from microglia.compete.selection import Account
from microglia.model.activity import F64
from microglia.policy.schema import RESOURCES, Limit, PolicySpec, Resource

LARGEST = 5
"""How many are named of those that hold up a budget which is too small."""
NANO = 1e-9
"""Kubernetes counts nothing in finer parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Budgets:
    """Per resource, arrays of shape (5,): ``charged`` of what is forced in, ``outside`` of it, the ``limit`` on what is
    charged (infinite where the policy names none) and the ``room`` left for those who compete."""

    charged: F64
    outside: F64
    limit: F64

    @property
    def room(self) -> F64:
        """Below zero where what is forced in alone passes the limit; what is finer than ``NANO`` is none."""
        left = self.limit - self.charged
        return np.where(np.abs(left) < NANO, 0.0, left)


def budgets(forced: Forced, policy: PolicySpec) -> Budgets:
    """Add up what is forced in.

    A relative budget is ``spare`` over what is load-bearing; what could not be seen widens it and is charged to it,
    what a rule pins is outside it. An absolute budget is charged with both what is load-bearing and what a rule pins,
    and not with what could not be seen: missing data never prunes more.
    """
    bearing, ruled, blind = (part.sum(axis=0) for part in (forced.bearing, forced.ruled, forced.blind))
    charged, outside, limit = bearing + blind, ruled.copy(), np.full(len(RESOURCES), np.inf)
    for column, name in enumerate(RESOURCES):
        written = limit_of(policy, name)
        if written is None:
            continue
        if written.limit is None:
            limit[column] = (1 + (written.spare or 0.0)) * charged[column]
        else:
            charged[column], outside[column] = bearing[column] + ruled[column], blind[column]
            limit[column] = written.limit
    return Budgets(charged, outside, limit)


def limit_of(policy: PolicySpec, resource: Resource) -> Limit | None:
    """The budget of one resource, None where it is not scarce."""
    return {
        "cpu": policy.budget.cpu,
        "memory": policy.budget.memory,
        "proxyConfig": policy.budget.proxy_config,
        "replicas": policy.budget.replicas,
        "money": policy.budget.money,
    }[resource]


def accounts(entrants: Entrants, sums: Budgets, outcome: Outcome, policy: PolicySpec) -> tuple[Account, ...]:
    """One account per resource that the policy names, in the order of ``RESOURCES``. ``present`` and ``kept`` hold
    everything in scope, what is outside the budget too."""
    field, forced = entrants.field, sums.charged + sums.outside
    excess = (field.copies - outcome.keep) @ field.costs
    present = forced + field.copies @ field.costs
    found = []
    for column, name in enumerate(RESOURCES):
        written = limit_of(policy, name)
        if written is None:
            continue
        short = max(-float(sums.room[column]), 0.0) if written.limit is not None else 0.0
        found.append(
            Account(
                resource=name,
                load_bearing=float(sums.charged[column]),
                outside=float(sums.outside[column]),
                budget=float(sums.limit[column]),
                kept=float(present[column] - excess[column]),
                present=float(present[column]),
                excess=float(excess[column]),
                price=float(outcome.prices[column]),
                short=short,
                held_up_by=_largest(entrants.forced, column) if short > 0 else (),
            )
        )
    return tuple(found)


def _largest(forced: Forced, column: int) -> tuple[str, ...]:
    """Who takes most of what is charged, largest first, ties by id."""
    takes = forced.bearing[:, column] + forced.ruled[:, column]
    rows = np.lexsort((np.arange(takes.size), -takes))[:LARGEST]
    return tuple(str(forced.ids[row]) for row in rows if takes[row] > 0)
