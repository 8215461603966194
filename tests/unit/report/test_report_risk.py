"""R(k) can be recomputed from what the screen prints, and from nothing else."""

import re
from dataclasses import replace

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import Criticality, PolicySpec, Retention
from microglia.report.risk import risk_lines
from microglia.score import score
from microglia.score.scores import Capacity, ReplicaScore, TailFit
from tests import factories
from tests.unit.report.answers import flat
from tests.unit.score.worlds import Spec, daily, world

ID = WorkloadId("shop", "cart")
NUMBER = r"(\d(?:[\d.,e+-]*\d)?)"


def noisy(scale: float = 160.0, days: int = 14) -> np.ndarray:
    """Peaks that differ from day to day, some of them far above the others."""
    factors = 1 + 0.3 * np.sin(np.arange(days) * 2.3) ** 8
    values: np.ndarray = scale * daily() * np.repeat(factors, 24)
    return values


def scored(peaks: np.ndarray, replicas: int = 7, **retention) -> ReplicaScore:
    """A workload with these peaks, 100 requests per second and replica."""
    spec = Spec("cart", replicas, rps=150, series={"peak": peaks, "cpu_peak": peaks * 0.0035})
    return score(world(spec), PolicySpec(retention=Retention(**retention))).replicas[ID]


def number(pattern: str, text: str) -> float:
    """The number that ``pattern`` stands before."""
    found = re.search(pattern + NUMBER, text)
    assert found, (pattern, text)
    return float(found[1].replace(",", ""))


def rungs(found: ReplicaScore, lowest: int) -> list[list[str]]:
    """The cells of the table."""
    *_, (_, table) = risk_lines(found, lowest)
    return [line.split() for line in table.split("\n")[1:] if not line.startswith("and ")]


@pytest.mark.parametrize(
    ("peaks", "retention"),
    [
        (noisy(), {}),
        (noisy(163.7), {"criticality": (Criticality(weight=3.0),)}),
        (160 * daily(), {"survive": ("zone",)}),
        (noisy(371.3), {}),
    ],
    ids=["noisy", "critical", "even", "large"],
)
def test_r_of_k_can_be_recomputed_by_hand(peaks: np.ndarray, retention: dict) -> None:
    """From u, zeta, sigma, xi, the peak and what one replica serves, as printed: each tail and R(k) to 0.1 %."""
    found = scored(peaks, **retention)
    lines = risk_lines(found, 1)
    (_, fit), (_, formula), _ = lines
    u, zeta, sigma, xi = (number(rf"\b{name} = ", fit) for name in ("u", "zeta", "sigma", "xi"))
    each, highest = number(r"survivors\(k\) x ", formula), number(r"0 from y = 3 x ", formula)
    weight = number(r"max\(observed, tail\) x ", formula) if "criticality" in formula else 1.0
    assert int(number("from ", fit)) == found.tail.excesses
    seen = set()
    for name, survivors, y, observed, tail, risk in rungs(found, 1):
        level = int(survivors) * each
        assert float(y.replace(",", "")) == pytest.approx(level, rel=1e-4)
        beyond = zeta * sigma / (1 - xi) * (1 + xi * (max(level, u) - u) / sigma) ** (1 - 1 / xi)
        beyond = 0.0 if level >= 3 * highest else beyond
        assert float(tail) == pytest.approx(beyond, rel=1e-3)
        larger = float(tail) if observed == "less" else float(observed)
        assert float(risk.replace(",", "")) == pytest.approx(300 * larger * weight, rel=1e-3)
        first, _, last = name.partition("-")
        for count in range(int(first), int(last or first) + 1):
            assert float(risk.replace(",", "")) == pytest.approx(found.risk[count], rel=1e-4)
            assert found.survivors[count] == int(survivors)
            seen.add(count)
    assert seen == set(range(1, found.current + 1))


def test_observed_is_the_mean_of_what_peaks_exceed() -> None:
    """Where the window itself asked for more, the mean shortfall counts, not the tail."""
    found = scored(noisy())
    name, survivors, _, observed, _, _ = rungs(found, 2)[0]
    served = int(survivors) * (found.capacity.rps or 0.0)
    assert name == "2"
    assert float(observed) == pytest.approx(np.maximum(noisy().astype(np.float32) - served, 0).mean(), rel=1e-4)


def test_what_was_never_asked_for_or_is_not_known_says_so() -> None:
    """Idle, unknown, of unknown capacity, or nothing below the present count: no table of zeros."""
    known = factories.replica_score(ID, 5, 3)
    assert risk_lines(replace(known, judged=factories.replica_score(ID, evidence="IDLE").judged), 1) == [
        ("At risk", "nothing: no request came in the window")
    ]
    assert risk_lines(replace(known, judged=factories.replica_score(ID, evidence="UNKNOWN").judged), 1) == []
    assert risk_lines(known, 5) == []
    assert risk_lines(replace(known, capacity=Capacity(None, "nobody knows", 1.0, 0.0, "")), 3) == [
        ("At risk", "not known, because it is not known what one replica can serve")
    ]


def test_a_tail_of_few_days_or_none_says_so() -> None:
    """Under five excesses xi is a convention; without any there is no tail."""
    base = factories.replica_score(ID, 5, 3, risk=(9.0, 8.0, 7.0, 1.0, 0.4, 0.0))
    few = replace(base, tail=TailFit(90.0, 0.05, 5.0, 0.1, 100.0, 4))
    assert "xi = 0.1 from 4 excesses (days that rose above u; under 5, so xi is at its least)" in flat(
        risk_lines(few, 3)[0][1]
    )
    many = replace(base, tail=TailFit(90.0, 0.05, 5.0, 0.2, 100.0, 5))
    assert risk_lines(many, 3)[0][1].endswith("from 5 excesses (days that rose above u)")
    assert risk_lines(replace(base, tail=replace(base.tail, threshold=90.0)), 3)[0][1] == (
        "none: no day rose above u = 90 rps, below which 95 % of the hourly peaks lie"
    )
    assert rungs(base, 3)[-1] == ["5", "4", "400", "0", "0", "0"]


def test_many_rungs_are_cut() -> None:
    """A hundred replicas do not make a hundred lines; the rest is data."""
    found = factories.replica_score(ID, 100, 3, risk=tuple(float(100 - k) for k in range(101)))
    *_, (_, text) = risk_lines(found, 3)
    assert len(text.split("\n")) == 1 + 12 + 1
    assert text.endswith("and 86 more (-o json)")
