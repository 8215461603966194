"""The retention rules, by the name that a policy gives them: each says what use means for what is kept."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from microglia.policy.schema import PolicySpec
from microglia.score.measures import Measure, came_back, highest, quantile
from microglia.score.panel import panel
from microglia.score.presence import hours_a_week
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
    return Scores(score_replicas(lined, Measure(highest)), score_routes(lined))


def peak_quantile(topology: Topology, policy: PolicySpec) -> Scores:
    """Need covers only the 95th percentile of the bucket peaks, with headroom, after the worst named failure; peaks
    above it compete. Simpler and bolder: at equal cost it loses five to eight times more requests than
    ``requests-at-risk``. Routes are scored alike."""
    lined = panel(topology, policy)
    return Scores(score_replicas(lined, Measure(quantile(QUANTILE))), score_routes(lined))


def presence(topology: Topology, policy: PolicySpec) -> Scores:
    """How often, not how much. Need covers the highest peak that came back at its hour of the week, with headroom,
    after the worst named failure: rare but regular use keeps, once is no rule. What is kept beyond it is worth the
    hours a week in which it was needed, 168 x min(1, chi2.ppf(0.95, 2 s + 2) / (2 T)) for s of T hours: an upper bound
    with 95 % confidence. A route is worth the same, of the hours in which its client sent requests; each request to it
    counts for an hour of its own."""
    lined = panel(topology, policy)
    return Scores(score_replicas(lined, Measure(came_back, by_hours=True)), score_routes(lined, hours_a_week))


RULES: Final[Mapping[str, Callable[[Topology, PolicySpec], Scores]]] = MappingProxyType(
    {"requests-at-risk": requests_at_risk, "peak-quantile": peak_quantile, "presence": presence}
)


def score(topology: Topology, policy: PolicySpec) -> Scores:
    """Score every workload and every route by the rule that ``policy`` names; both sorted by id."""
    return RULES[policy.retention.rule](topology, policy)
