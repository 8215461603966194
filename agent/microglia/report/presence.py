"""In how many hours fewer replicas would not have sufficed, for readers who count them."""

from itertools import groupby

from microglia.model.window import HOURS_OF_WEEK
from microglia.report.amounts import exact, figure
from microglia.report.risk import SHOWN
from microglia.report.table import table
from microglia.score.scores import Evidence, ReplicaScore


def presence_lines(score: ReplicaScore, lowest: int, hours: int) -> list[tuple[str, str]]:
    """Labelled lines by the rule ``presence``: the formula, and P(k) from ``lowest`` to the present count. None by
    other rules, where nothing is known, or where nothing below the present count comes into question."""
    if not score.present or score.capacity.rps is None or lowest >= score.current:
        return []
    if score.judged.evidence is not Evidence.USED:
        return []
    weight = f" x {score.criticality:g} (criticality)" if score.criticality != 1 else ""
    formula = (
        f"P(k) = {HOURS_OF_WEEK} x min(1, chi2.ppf(0.95, 2 s + 2) / (2 x {hours})){weight}, hours a week in which k"
        f" replicas would not do; s: hours of {hours} whose peak exceeds y = survivors(k) x {exact(score.capacity.rps)}"
        " rps; a step is worth the difference"
    )
    return [("Presence", formula), ("", _rungs(score, lowest, score.capacity.rps))]


def _rungs(score: ReplicaScore, lowest: int, each: float) -> str:
    """One row per number of survivors: replicas that add none stand together."""
    rows = []
    for left, some in groupby(range(lowest, score.current + 1), key=lambda k: score.survivors[k]):
        counts = list(some)
        name = str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"
        at = counts[0]
        rows.append((name, str(left), exact(left * each, 5), f"{score.short[at]:,}", exact(score.present[at], 5)))
    text = table(("k", "SURVIVORS", "y RPS", "HOURS SHORT", "P(k)"), rows[:SHOWN], right=range(4), indent=0)
    return text + (f"\nand {figure(len(rows) - SHOWN)} more (-o json)" if len(rows) > SHOWN else "")
