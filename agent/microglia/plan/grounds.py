"""What a plan is drafted on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from microglia.compete.selection import Selection
from microglia.plan.history import History
from microglia.plan.rare import NOTHING_RARE, Rare
from microglia.protect.ledger import Protections
from microglia.score.scores import Scores
from microglia.topology.graph import Topology


@dataclass(frozen=True, slots=True, eq=False)
class Grounds:
    """Everything that one lap found out before it plans. ``history`` carries the verdicts of this lap too; ``rare``
    is what may only be proposed, looked for in laps for Git alone. ``rejected`` is what a person's no to an earlier
    plan holds back, by element, and why."""

    topology: Topology
    scores: Scores
    protections: Protections
    selection: Selection
    history: History
    rare: Rare = NOTHING_RARE
    rejected: Mapping[str, str] = field(default_factory=dict)
