"""Random small meshes, described as worlds, and policies that let them be pruned after two days."""

from typing import Any

from hypothesis import strategies as st

from microglia.policy.schema import PruningPolicy, Resource
from microglia.world.schema import World

SPACE = "shop"
MARK = "microglia.dev/"
FAST: dict[str, Any] = {
    "observation": {"window": "2d", "cycles": {"length": "1d", "atLeast": 1}},
    "pace": {"rounds": 1, **{cap: {"share": "100%"} for cap in ("perLap", "perNamespace", "perWorkload")}},
    "guard": {"watch": "1h"},
}
"""Two days are enough, and a lap takes as much as it may."""
RESOURCES: tuple[Resource, ...] = ("cpu", "memory", "proxyConfig")


EMPTY: dict[str, Any] = {"name": "random", "start": "2026-09-07T00:00:00Z", "scrape": 60, "namespaces": {SPACE: {}}}


def policy(**budget: Any) -> PruningPolicy:
    """One that prunes fast, with these budgets; a resource that is not named is not scarce."""
    limits = {name: budget.get(name) for name in (*RESOURCES, "replicas")}
    return PruningPolicy.model_validate({"spec": {**FAST, "budget": limits}})


SPARES = st.sampled_from([0.0, 0.1, 0.3])
BUDGETS = st.fixed_dictionaries({name: SPARES.map(lambda spare: {"spare": spare}) for name in RESOURCES})
POLICIES = BUDGETS.map(lambda budget: policy(**budget))


@st.composite
def workloads(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One workload: most may be pruned, each tenth or so is protected in one of the ways that there are."""
    capacity = draw(st.sampled_from([20, 40, 90, None]))
    found: dict[str, Any] = {
        "replicas": draw(st.integers(1, 9)),
        "cpu": draw(st.sampled_from(["250m", "500m", "1"])),
        "memory": draw(st.sampled_from(["128Mi", "512Mi"])),
        "cpuSeconds": draw(st.sampled_from([0.002, 0.006])),
        "ports": [{"name": "http", "port": 80}],
    }
    marks: dict[str, str] = {}
    if capacity is not None:
        found["capacity"], marks[f"{MARK}capacity"] = capacity, f"{capacity}rps"
    match draw(st.sampled_from(["", "", "", "", "protect", "least", "budget", "set", "outside", "hpa", "work"])):
        case "protect":
            marks[f"{MARK}protect"] = "drilled every quarter"
        case "least":
            marks[f"{MARK}min-replicas"] = str(draw(st.integers(2, 6)))
        case "budget":
            found["pdb"] = {"minAvailable": draw(st.integers(2, 6))}
        case "set":
            found["kind"] = "StatefulSet"
        case "outside":
            found["sidecar"] = False
        case "hpa":
            found["hpa"] = {"min": 2, "max": 12}
        case "work":
            found["background"] = {"cores": draw(st.sampled_from([0.2, 1.5])), "shape": "day"}
    if number and draw(st.integers(0, 4)) == 0:
        marks[f"{MARK}backup-for"] = f"{SPACE}/w{draw(st.integers(0, number - 1))}"
    return {**found, "annotations": marks}


@st.composite
def meshes(draw: st.DrawFn, least: int = 3, most: int = 7) -> World:
    """A mesh of ``least`` to ``most`` workloads, one to three zones and any calls between them."""
    names = [f"w{number}" for number in range(draw(st.integers(least, most)))]
    pairs = st.tuples(st.sampled_from(["unknown", *names]), st.sampled_from(names)).filter(lambda one: one[0] != one[1])
    called = draw(st.lists(pairs, min_size=2, max_size=2 * len(names), unique=True))
    rates = st.sampled_from([0.5, 5, 30, 70])
    return World.model_validate(
        {
            **EMPTY,
            "seed": draw(st.integers(0, 99)),
            "zones": [{"name": name, "nodes": draw(st.integers(1, 2))} for name in "abc"[: draw(st.integers(1, 3))]],
            "workloads": {f"{SPACE}/{name}": draw(workloads(number)) for number, name in enumerate(names)},
            "calls": [
                {
                    "client": client if client == "unknown" else f"{SPACE}/{client}",
                    "host": f"{server}.{SPACE}",
                    "rate": draw(rates),
                    "shape": draw(st.sampled_from(["flat", "day"])),
                }
                for client, server in called
            ],
        }
    )


PORT = {"ports": [{"name": "http", "port": 80}]}
FORTY = {"capacity": 40, **PORT}


def unequal() -> World:
    """One that carries everything and gives nothing, beside one with a disruption budget that nobody calls: what is to
    spare of the first pays for the second."""
    busy = {"replicas": 5, "annotations": {f"{MARK}capacity": "40rps"}, **FORTY}
    return _two("abc", 70, busy, {"replicas": 8, "pdb": {"minAvailable": 3}, **PORT})


def standing() -> World:
    """One that needs six of its nine copies to outlive one of two zones, and its backup, which nobody calls."""
    busy = {"replicas": 9, "annotations": {f"{MARK}capacity": "40rps"}, **FORTY}
    backup = {"replicas": 9, "annotations": {f"{MARK}capacity": "40rps", f"{MARK}backup-for": f"{SPACE}/w0"}, **FORTY}
    return _two("ab", 90, busy, backup)


def _two(zones: str, rate: float, first: dict[str, Any], second: dict[str, Any]) -> World:
    call = {"client": "unknown", "host": f"w0.{SPACE}", "rate": rate, "shape": "flat"}
    found = {f"{SPACE}/w0": first, f"{SPACE}/w1": second}
    places = [{"name": name, "nodes": 1} for name in zones]
    return World.model_validate({**EMPTY, "zones": places, "workloads": found, "calls": [call]})


def host(name: str) -> str:
    """The FQDN of the Service of workload ``namespace/name``."""
    return f"{name.partition('/')[2]}.{SPACE}.svc.cluster.local"


def called_by(world: World, client: str) -> set[str]:
    """The hosts that a workload calls."""
    return {f"{call.host}.svc.cluster.local" for call in world.calls if call.client == client}


def pinned(world: World) -> set[str]:
    """The workloads, ``namespace/name``, that nobody may scale down, by what their description says."""
    return {
        name
        for name, one in world.workloads.items()
        if f"{MARK}protect" in one.annotations or one.kind != "Deployment" or one.sidecar is False or one.hpa
    }


def least(world: World, name: str) -> int:
    """The count below which the description forbids to go, for a workload that has as many."""
    one = world.workloads[name]
    marked = int(one.annotations.get(f"{MARK}min-replicas", "2"))
    return max(2, marked, int((one.pdb or {}).get("minAvailable", 0)))
