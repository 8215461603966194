"""The retention rules, by the name that a policy gives them: each says what use means for what is kept."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from microglia.policy.schema import PolicySpec
from microglia.score.panel import panel
from microglia.score.replicas import score_replicas
from microglia.score.routes import score_routes
from microglia.score.scores import Scores
from microglia.topology.graph import Topology

QUANTILE: Final = 0.95
"""Of bucket peaks, for ``peak-quantile``."""


def requests_at_risk(topology: Topology, policy: PolicySpec) -> Scores:
    """Need covers the highest peak ever seen, with headroom, after the worst named failure. What is kept beyond it is
    worth the requests that would be lost without it: the mean shortfall seen, or a Pareto tail over it if that is
    more."""
    lined = panel(topology, policy)
    return Scores(score_replicas(lined, 1.0), score_routes(lined))


def peak_quantile(topology: Topology, policy: PolicySpec) -> Scores:
    """Need covers only the 95th percentile of the bucket peaks, with headroom, after the worst named failure; peaks
    above it compete. Simpler and bolder: at equal cost it loses five to eight times more requests than
    ``requests-at-risk``. Routes are scored alike."""
    lined = panel(topology, policy)
    return Scores(score_replicas(lined, QUANTILE), score_routes(lined))


RULES: Final[Mapping[str, Callable[[Topology, PolicySpec], Scores]]] = MappingProxyType(
    {"requests-at-risk": requests_at_risk, "peak-quantile": peak_quantile}
)


def score(topology: Topology, policy: PolicySpec) -> Scores:
    """Score every workload and every route by the rule that ``policy`` names; both sorted by id."""
    return RULES[policy.retention.rule](topology, policy)
