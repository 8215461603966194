"""Scores, protections and policy -> Selection."""

from microglia.compete.budget import accounts
from microglia.compete.contest import contest, lift
from microglia.compete.prices import losers
from microglia.compete.selection import Selection
from microglia.compete.spared import spared, undecided
from microglia.compete.stands import scope_of
from microglia.policy.schema import PolicySpec
from microglia.protect.ledger import Protections
from microglia.score.scores import Scores
from microglia.topology.graph import Topology


def select(scores: Scores, protections: Protections, topology: Topology, policy: PolicySpec) -> Selection:
    """Let everything that ``policy`` selects in ``topology`` compete: protected, used and unknown elements are forced
    in, the rest shares what the budgets leave. The competition runs a second time without protections, to say what they
    spared.
    """
    scope = scope_of(topology, policy)
    held = contest(scores, protections, policy, scope)
    lifted = lift(held, scores, protections, policy)
    outcome, entered = held.outcome, held.entrants.field
    lost = outcome.keep < entered.copies
    return Selection(
        targets=held.targets(),
        cut=held.cut(),
        yielded=losers(held.entrants, outcome, held.sums.room),
        spared=spared(held, lifted, protections),
        undecided=undecided(held, scores),
        accounts=accounts(held.entrants, held.sums, outcome, policy),
        value=outcome.value,
        bound=outcome.bound,
        gap=outcome.gap,
        lean=not lost.any(),
        entered=int(entered.copies.sum()),
        largest=float(entered.values[lost].max(initial=0.0)),
    )
