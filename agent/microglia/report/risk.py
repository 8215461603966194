"""What fewer replicas risk, with every number that a reader needs to recompute it."""

from itertools import groupby

import numpy as np

from microglia.report.amounts import exact, figure
from microglia.report.table import count, table
from microglia.score.risk import LASTING
from microglia.score.scores import Evidence, ReplicaScore, TailFit
from microglia.score.tail import BEYOND, LEAST, Tail

SHOWN = 12
"""Rungs shown; -o json has them all."""
FORMULA = "zeta sigma / (1 - xi) x (1 + xi (max(y, u) - u) / sigma)^(1 - 1 / xi)"


def risk_lines(score: ReplicaScore, lowest: int) -> list[tuple[str, str]]:
    """Labelled lines: the tail, the formula, and R(k) from ``lowest`` to the present count; a text with line breaks is
    laid out already. None where nothing below the present count comes into question."""
    if score.judged.evidence is Evidence.IDLE:
        return [("At risk", "nothing: no request came in the window")]
    if score.judged.evidence is Evidence.UNKNOWN or lowest >= score.current:
        return []
    if score.capacity.rps is None:
        return [("At risk", "not known, because it is not known what one replica can serve")]
    weight = f" x {score.criticality:g} (criticality)" if score.criticality != 1 else ""
    formula = (
        f"R(k) = {LASTING:g} s x max(observed, tail){weight}, requests per hour while the worst failure lasts;"
        f" observed: mean over the hours of what the peak exceeds y by; tail = {FORMULA}, 0 from y = {BEYOND:g} x"
        f" {exact(score.tail.peak)} rps on; y = survivors(k) x {exact(score.capacity.rps)} rps"
    )
    return [("Tail", _tail(score.tail)), ("At risk", formula), ("", _rungs(score, lowest, score.capacity.rps))]


def _tail(fit: TailFit) -> str:
    if not fit.share:
        return f"none: no day rose above u = {exact(fit.threshold)} rps, below which 95 % of the hourly peaks lie"
    least = f"; under {LEAST}, so xi is at its least" if fit.excesses < LEAST else ""
    return (
        f"u = {exact(fit.threshold)} rps (95 % of the hourly peaks lie below), zeta = {exact(fit.share)} (share above),"
        f" sigma = {exact(fit.scale)} rps and xi = {exact(fit.shape)} from {count(fit.excesses, 'excess')} (days that"
        f" rose above u{least})"
    )


def _rungs(score: ReplicaScore, lowest: int, each: float) -> str:
    """One row per number of survivors: replicas that add none stand together."""
    rows = []
    for left, some in groupby(range(lowest, score.current + 1), key=lambda k: score.survivors[k]):
        counts = list(some)
        name = str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"
        risk, tail = score.risk[counts[0]], _beyond(score.tail, left * each)
        mean = risk / LASTING / score.criticality
        observed = exact(mean) if mean > tail * (1 + 1e-9) else "less" if tail else "0"
        rows.append((name, str(left), exact(left * each, 5), observed, exact(tail), exact(risk, 5)))
    text = table(("k", "SURVIVORS", "y RPS", "OBSERVED", "TAIL", "R(k)"), rows[:SHOWN], right=range(5), indent=0)
    return text + (f"\nand {figure(len(rows) - SHOWN)} more (-o json)" if len(rows) > SHOWN else "")


def _beyond(fit: TailFit, level: float) -> float:
    columns = (fit.threshold, fit.share, fit.scale, fit.shape, fit.peak, fit.excesses)
    tail = Tail(*(np.array([column]) for column in columns))
    return float(tail.beyond(np.zeros(1, dtype=np.int64), np.array([level]))[0])
