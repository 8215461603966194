"""Run every rule, strike out what people overrode, and note what points at nothing."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from microglia.lifecycle.states import Shield
from microglia.policy.schema import PolicySpec
from microglia.protect.dangling import dangling
from microglia.protect.keep import Rule
from microglia.protect.ledger import Protections, ledger
from microglia.protect.look import Look, look_at
from microglia.protect.overrides import without
from microglia.protect.rules import RULES
from microglia.score.scores import Scores
from microglia.topology.graph import Topology


def protect(
    topology: Topology, scores: Scores, policy: PolicySpec, shields: Iterable[Shield], now: datetime
) -> Protections:
    """Everything that may not be pruned, and why. Use is not looked at; scores only size floors and tell what is not
    known."""
    return by_rules(RULES, look_at(topology, scores, policy, shields, now))


def by_rules(rules: Iterable[Rule], look: Look) -> Protections:
    """What ``rules`` protect, without what the policy's ``protect.never`` overrides."""
    found = chain.from_iterable(rule.apply(look) for rule in rules)
    kept, idle = without(found, look.policy.protect.never)
    return ledger(kept, (*dangling(look), *idle))
