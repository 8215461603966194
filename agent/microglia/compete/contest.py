"""One run of the competition: who entered, what there was, who kept."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microglia.compete.arena import Outcome, compete
from microglia.compete.budget import Budgets, budgets
from microglia.compete.entrants import Entrants, enter
from microglia.compete.stands import stand
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.protect.ledger import Level, Protections, ledger
from microglia.score.scores import Routes, Scores


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """The outcome, with everything it rests on."""

    scope: frozenset[WorkloadId]
    entrants: Entrants
    sums: Budgets
    outcome: Outcome

    def targets(self) -> Mapping[WorkloadId, int]:
        """The count of every workload whose replicas are in scope, sorted by id."""
        found = {one: stand.start for one, stand in self.entrants.stands.items()}
        for step, kept in zip(self.entrants.steps, self.outcome.keep.tolist(), strict=False):
            if kept:
                found[step.stand.score.workload] = step.high
        return found

    def cut(self) -> Routes:
        """The routes that yield, in the order of their ids: of a class that is kept in part, its last hosts."""
        kept, routes = self.outcome.keep[len(self.entrants.steps) :], self.entrants.routes
        rows = np.flatnonzero(kept < routes.copies)
        parted = np.flatnonzero(kept[rows] > 0)
        cut = routes.take(rows)
        whole = zip(parted.tolist(), kept[rows[parted]].tolist(), cut.take(parted), strict=True)
        return cut.narrowed({place: route.hosts[count:] for place, count, route in whole}) if parted.size else cut


def contest(scores: Scores, protections: Protections, policy: PolicySpec, scope: frozenset[WorkloadId]) -> Contest:
    """Let everything in ``scope`` compete."""
    entrants = enter(scores, protections, policy, scope)
    sums = budgets(entrants.forced, policy)
    return Contest(scope, entrants, sums, compete(entrants.field, sums.room))


def lift(held: Contest, scores: Scores, protections: Protections, policy: PolicySpec) -> Contest:
    """The same contest without ``protections``; ``held`` itself where they changed nothing."""
    # A floor of one copy is everybody's.
    stands = {
        one: found
        for one, found in held.entrants.stands.items()
        if any(each.level is Level.PIN or each.floor > 1 for each in protections.of(one))
    }
    moved = any(stand(scores.replicas[one], (), policy) != found for one, found in stands.items())
    if moved or protections.clients or protections.hosts or protections.routes:
        return contest(scores, ledger(()), policy, held.scope)
    return held
