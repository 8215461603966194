"""Replicas below need, where the policy lets them compete at a risk that it states."""

from microglia.policy.schema import Retention
from microglia.score.scores import ReplicaScore

FIELD = "spec.retention.weak.replicas"


def load_bearing(score: ReplicaScore, retention: Retention) -> int | None:
    """The count that is kept whatever comes: ``need``, None where no count is known to be enough. Where the policy says
    ``weak.replicas``, the least count that puts no more requests per hour at risk than that.

    Never less than what zones, or CPU that no model ties to requests, ask for: risk says nothing of them; and need
    itself where risk is not known or the workload is short already.
    """
    weak, need = retention.weak.replicas, score.need
    if weak is None or need is None or need > score.current or score.capacity.rps is None:
        return need
    count = need
    while count > max(1, score.firm) and score.risk[count - 1] <= weak.at_risk:
        count -= 1
    return count


def below_need(score: ReplicaScore, count: int, retention: Retention) -> str:
    """Why ``count`` may be less than need; empty where it is not, or may not."""
    weak, least = retention.weak.replicas, load_bearing(score, retention)
    if weak is None or least is None or score.need is None or not least <= count < score.need:
        return ""
    return (
        f"below need, because {FIELD} allows {weak.at_risk:.4g} requests/h at risk; at risk"
        f" {score.risk[count]:.4g} requests/h"
    )


def why_not(score: ReplicaScore, retention: Retention) -> str:
    """Why the policy's word on replicas below need changes nothing here; empty where it does, or says nothing."""
    weak, need = retention.weak.replicas, score.need
    if weak is None or need is None or need <= 1 or load_bearing(score, retention) != need:
        return ""
    if need > score.current:
        why = f"it has {score.current} replicas, less than need already"
    elif score.capacity.rps is None:
        why = "what one replica can serve is not known, so neither is the risk"
    elif score.firm >= need:
        why = f"its CPU, or the peak of a zone, needs {score.firm} whatever the requests"
    else:
        why = f"{need - 1} would put {score.risk[need - 1]:.4g} requests/h at risk, {weak.at_risk:.4g} are allowed"
    return f"none below need, though {FIELD} is set: {why}"
