"""The blocks of README.md that the code renders: ``python -m tests.readme`` writes them anew."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

import numpy as np

from microglia.act.write import ClusterWriter
from microglia.cycle import Case, Rehearsal, World, look, rehearse
from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.plan.history import History
from microglia.policy.schema import PruningPolicy
from microglia.report.explain import explain_text
from microglia.report.plans import View, plan_text
from microglia.score.scores import ReplicaScore
from microglia.score.tail import fit_tail
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.topology.graph import Topology
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.play import LEAD
from microglia.world.traffic import MemoryTraffic
from tests import factories
from tests.unit.score.worlds import Spec, calls, daily, world

README = Path(__file__).parents[1] / "README.md"
CART = WorkloadId("shop", "cart")
POLICY = PruningPolicy()


def demo_plan() -> str:
    """The first plan of ``microglia demo``, as it prints it."""
    cluster = MemoryCluster(load("shop"))
    cluster.advance(cluster.now + LEAD)
    with TemporaryDirectory() as folder:
        journal = FileJournal(Folder(Path(folder)).cluster("demo", "demo"))
        seen = World(cluster, MemoryTraffic(cluster), ClusterWriter(cluster), journal)
        topology = look(seen, POLICY, cluster.now)
    view = View(everything=False, source="demo", currency=POLICY.spec.prices.currency, policy="default (built in)")
    return plan_text(_rehearsed(topology).checked, view)


def example() -> Rehearsal:
    """A shop in which cart has 5 replicas in 3 zones, 100 requests per second each, and a peak of 180; nothing else may
    go."""
    cart = Spec("cart", 5, rps=150, series={"peak": _peaks(), "cpu_peak": _peaks() * 0.0035})
    keep = {"annotations": {"microglia.dev/protect": "calls cart in this example"}}
    web = Spec("web", 4, series={"sent": np.ones(factories.WINDOW.hours)}, parts=keep)
    return _rehearsed(world(cart, web, edges=calls(("web", "cart"))))


def worked_example() -> str:
    """``microglia explain shop/cart``, and how each line comes about."""
    found = example()
    screen = explain_text(CART, found.grounds, found.plan, POLICY.spec)
    told = _reading(found.grounds.scores.replicas[CART])
    lines = "\n".join(fill(f"- {line}", 118, subsequent_indent="  ") for line in told)
    shown = _fenced(f"$ microglia explain {CART}\n{screen}")
    return f"{shown}\n\n{lines}"


def _reading(score: ReplicaScore) -> list[str]:
    """One sentence per line of arithmetic, with its numbers."""
    need, peak, spec = score.need or 0, score.peak, POLICY.spec.retention
    each, seen, left = score.capacity.rps or 0.0, score.capacity.demonstrated, score.survivors
    wanted = peak * (1 + spec.headroom)
    capacity = (
        f"*Capacity*: {spec.utilisation:.0%} of 0.5 cpu is {spec.utilisation * 0.5:g} cpu; at 3.5 ms for each request"
        f" that is {each:g} requests per second. {peak:g} / 5 = {seen:g} is what one has really carried."
    )
    survive = (
        f"*Need*: losing the fullest of three zones leaves {left[need]} of {need}, and {left[need]} x {each:g} ="
        f" {left[need] * each:g} covers {wanted:g}; it leaves {left[need - 1]} of {need - 1}, which does not."
    )
    tail = fit_tail(_peaks()[None, :], factories.WINDOW.starts // 86400, np.zeros(1, dtype=np.bool_))
    u, zeta, sigma, xi = (float(one[0]) for one in (tail.threshold, tail.share, tail.scale, tail.shape))
    risk = (
        f"*At risk* with {need}: {left[need]} survivors serve {left[need] * each:g}, more than was ever asked, so what"
        f" counts is how far peaks may yet go: u = {u:.5g} (95 % of the hourly peaks are below), zeta = {zeta:.5g} (the"
        f" share above), sigma = {sigma:.5g} and xi = {xi:.5g} (from the days' highest). 300 s x zeta sigma / (1 - xi)"
        f" x (1 + xi ({left[need] * each:g} - u) / sigma)^(1 - 1 / xi) = {score.risk[need]:.4g} requests per hour."
    )
    step = (
        f"*Step*: the fourth replica adds no survivor ({left[4]} of 4, {left[5]} of 5), so the fourth and the fifth"
        f" compete as one: {score.risk[3]:.4g} - {score.risk[5]:.4g} = {score.risk[3] - score.risk[5]:.4g}. They take"
        " 2 x (0.5 + 0.1) cpu, the sidecar's share included."
    )
    held = (
        f"*Held*: with 3 replicas {peak:g} / 3 = {peak / 3:g} would fall on each, more than {spec.stretch:g} x {seen:g}"
        f" = {spec.stretch * seen:g}. With 4 it is {peak / 4:g}, and after the loss of a zone {peak:g} / {left[4]} ="
        f" {peak / left[4]:g}, no more than {spec.failure_stretch:g} x {seen:g} = {spec.failure_stretch * seen:g}:"
        " so 5 -> 4 now, and 4 -> 3 once that was seen to go well."
    )
    return [capacity, survive, risk, step, held]


def _peaks() -> F64:
    """A daily peak of 160 requests per second, once 180."""
    peaks: F64 = 160 * daily()
    peaks[int(peaks.argmax())] = 180
    return peaks


def _fenced(text: str) -> str:
    return f"```\n{text}\n```"


BLOCKS: Mapping[str, Callable[[], str]] = {"plan": lambda: _fenced(demo_plan()), "worked": worked_example}


def rendered(text: str) -> str:
    """``text`` with every block between its markers as the code renders it now. Raises ValueError where a marker is
    missing or stands twice."""
    for name, render in BLOCKS.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        if (text.count(begin), text.count(end)) != (1, 1):
            raise ValueError(f"README.md: the markers of the block {name} must stand there once each")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{render()}\n{end}{rest.partition(end)[2]}"
    return text


def _rehearsed(topology: Topology) -> Rehearsal:
    case = Case(POLICY, topology.snapshot.taken_at)
    return rehearse(lambda: topology, History(None, ()), (POLICY,), case)


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
