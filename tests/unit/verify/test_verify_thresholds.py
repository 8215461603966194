"""Every gate on its three sides: just below its limit, exactly at it and just above; or none of what it looks for,
some that does no harm, and some that does."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from microglia.score.extremes import peaks_over
from microglia.verify.clear import Refused, verify
from microglia.verify.gates import GATES
from tests import factories
from tests.autoscaling import hpa
from tests.unit.verify.verify_world import ROOMY, scene

ROUTE: dict[str, Any] = {"scale": {"cart": None}, "hide": {"web": ["search"]}}


def fires(gate: str, case: dict[str, Any]) -> bool:
    one = scene(case)
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    return isinstance(checked, Refused) and gate in {refusal.gate for refusal in checked.refusals}


def everybody(hours: int) -> dict[str, Any]:
    return {name: {"heard_from": hours} for name in ("cart", "web", "search", "batch")}


def node(cpu: str = "64", memory: str = "64Gi", pods: str = "110") -> dict[str, Any]:
    """One open node beside two cordoned ones: 15 pods of 0.6 cpu and 384 Mi lie on it, one of them goes."""
    told = {"status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}}}
    shut = {"spec": {"unschedulable": True}, "status": ROOMY}
    workloads = {name: {"on": ["node-a"]} for name in ("cart", "web", "search", "batch")}
    return {"nodes": {"node-a": told, "node-b": shut, "node-c": shut}, "workloads": workloads}


def quota(hard: str) -> dict[str, Any]:
    status = {"hard": {"pods": hard}, "used": {"pods": "9"}}
    return {"objects": [{"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "shop"}, "status": status}]}


def fronted(rules: int) -> dict[str, Any]:
    """So many rules, each of which takes every request: all but the first may be proposed, none goes by itself."""
    spec = {"hosts": ["shop.example.org"], "http": [{"route": [{"destination": {"host": "web"}}]}] * rules}
    metadata = {"name": "front", "namespace": "shop", "uid": "front"}
    return {"objects": [{"kind": "VirtualService", "metadata": metadata, "spec": spec}]}


def freeze(cron: str) -> dict[str, Any]:
    return {"pace": {"freeze": [{"cron": cron, "lasts": "2h"}]}}


def budget(least: int) -> dict[str, Any]:
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": "cart"}}}
    return {"objects": [{"kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "shop"}, "spec": spec}]}


def calls(often: int, once: int = 0) -> dict[str, Any]:
    """So many requests of web, of which ``once`` go to hosts that nothing else of it calls."""
    alone = [["web", host, 1] for host in ("batch", "web")[:once]]
    return {
        "calls": [["web", "cart", often - once], *alone, ["batch", "search", 9000]],
        "services": {"batch": {}},
    }


def cart(**told: Any) -> dict[str, Any]:
    return {"world": {"workloads": {"cart": told}}}


def to(count: int, **case: Any) -> dict[str, Any]:
    """Scale cart to ``count``."""
    return {**case, "plan": {"scale": {"cart": {"after": count}}}}


def paced(cap: str, **told: Any) -> dict[str, Any]:
    """Two changes under a cap of ``spec.pace``."""
    return {"policy": {"pace": {cap: told}}, "plan": {"hide": {"web": ["search"]}}}


def weeks(count: int, **case: Any) -> dict[str, Any]:
    """That many whole weeks are asked for."""
    return {**case, "policy": {"observation": {"cycles": {"atLeast": count}}}}


def called(minutes: float) -> dict[str, Any]:
    """A call dated that far ahead."""
    return {"world": {"calls": [["web", "cart", 9000, minutes]]}}


def risen(headroom: str) -> dict[str, Any]:
    """From 100 to 195 rps in a week, with that headroom."""
    return to(3, **cart(weeks=[100, 195], replicas=4), policy={"retention": {"headroom": headroom}})


def serving(*versions: str) -> dict[str, Any]:
    return {"world": {"istiod": versions}, "plan": ROUTE}


def listing(**since: dict[str, Any]) -> dict[str, Any]:
    """An allow-list that leaves out depot, with Services that appeared since."""
    names = ["default", "istio-system", "kube-system", "shop"]
    hide = {"web": {"hosts": ["far.depot.svc.cluster.local"], "listed": names}}
    return {
        "world": {"services": {"far": {"namespace": "depot"}}},
        "since": {"services": since},
        "policy": {"routes": {"form": "allowList"}},
        "plan": {"scale": {"cart": None}, "hide": hide},
    }


def given(after: int) -> dict[str, Any]:
    """A plan to give back."""
    return {"plan": {"scale": {"cart": {"after": after}}, "fields": {"purpose": "restore"}}}


def autoscaled(name: str) -> dict[str, Any]:
    """An autoscaler of that workload."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9}
    raw = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "shop"}, "spec": spec}
    return {"world": {"objects": [raw]}}


def least(count: int = 6, active: str = "True", after: int = 5) -> dict[str, Any]:
    """An autoscaler of the cart with that minimum, and what ScalingActive says since; the minimum goes to ``after``."""
    since = hpa(least=count, says={"AbleToScale": "True", "ScalingActive": active})
    return {
        "world": {"objects": [hpa(least=count)]},
        "since": {"objects": [since]},
        "plan": {"scale": {"cart": None}, "lower": {"cart": after}},
        "policy": {"actuation": {"replicas": ["HorizontalPodAutoscaler"]}},
    }


def selected(*values: str) -> dict[str, Any]:
    """Scope leaves out workloads of those tiers; cart is of tier gold."""
    terms = [{"key": "tier", "operator": "NotIn", "values": list(values)}] if values else []
    scope = {"scope": {"selector": {"matchExpressions": terms}}}
    return {**cart(labels={"tier": "gold"}), "policy": scope}


def drawn(*hosts: str, listed: tuple[str, ...]) -> dict[str, Any]:
    """A Sidecar that would hide ``hosts`` in a plan that lists others."""
    cut = tuple(f"{host}.shop.svc.cluster.local" for host in listed)
    return {"plan": {"scale": {"cart": None}, "hide": {"web": {"hosts": hosts, "cut": cut}}}}


def released(applied: str) -> dict[str, Any]:
    """A Helm release that applied the cart without a count at ``applied``; somebody set that count at one o'clock."""
    helm = {"manager": "helm", "operation": "Apply", "time": f"2026-02-01T{applied}Z"}
    scale = {"manager": "kubectl", "operation": "Update", "subresource": "scale", "time": "2026-02-01T01:00:00Z"}
    owns = {**scale, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    marks = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"}
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    cart = {"labels": labels, "annotations": marks, "metadata": {"managedFields": [helm, owns]}}
    return {"world": {"workloads": {"cart": cart}}}


def annotated(**annotations: str) -> dict[str, Any]:
    """Annotations that appeared since."""
    return {"since": {"workloads": {"cart": {"annotations": annotations}}}}


def earlier(**told: Any) -> dict[str, Any]:
    """A step before this one."""
    return {"history": {"records": [{"ago": 90, **told}]}}


def foreign(app: str) -> dict[str, Any]:
    """Somebody else's Sidecar for the pods of ``app``."""
    raw = {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": {"name": "team", "namespace": "shop"}}
    spec = {"workloadSelector": {"labels": {"app": app}}, "egress": [{"hosts": ["*/*"]}]}
    return {"since": {"objects": [{**raw, "spec": spec}]}, "plan": ROUTE}


def weak(below: float) -> dict[str, Any]:
    """One request in 336 hours, and that rate under which a route is weak."""
    return {"world": {"calls": [["web", "cart", 9000], ["web", "search", 1]]}, "plan": ROUTE,
            "policy": {"retention": {"weak": {"routes": {"below": f"{below!r}/h"}}}}}  # fmt: skip


SPIKES = dict(zip(range(12, 336, 24), (11, 11, 12, 12, 13, 14, 16, 18, 22, 30, 40, 60, 90, 150), strict=True))
"""A peak a day, most of them low."""
VALUES = np.full(336, 10.0)
VALUES[list(SPIKES)] = list(SPIKES.values())
TAIL = peaks_over(VALUES)
assert TAIL is not None
LEVEL = TAIL.level(90 * 24)
"""What 90 days may bring."""
MONDAY = int(np.flatnonzero(factories.WINDOW.hour_of_week == 9)[0])
"""The first Monday 09:00 of the window."""


def spiky(capacity: float) -> dict[str, Any]:
    """Cart with those peaks, and what one replica serves; it goes from six to five."""
    return {"world": {"workloads": {"cart": {"peak": 10, "spikes": SPIKES, "capacity": f"{capacity!r}rps"}}}}


ONE_CALL = float(chi2.ppf(0.95, 4)) / (2 * 336)
"""The 95 % bound of its rate per hour."""

NOBODY: dict[str, Any] = {
    "world": {"workloads": {"cart": {"replicas": 2, "peak": 0}}, "calls": [["batch", "search", 9000]],
              "services": {"cart": None}},
    "policy": {"protect": {"minReplicas": 1}, "retention": {"survive": ["replica"]}},
}  # fmt: skip
"""Two copies that nobody calls, and a policy that would keep one."""

LIMITS: list[tuple[str, str, list[tuple[bool, dict[str, Any]]]]] = [
    ("cluster", "its uid: the same, another, unknown", [
        (False, {}), (True, {"since": {"cluster": "another"}}),
        (True, {"world": {"cluster": ""}})]),
    ("identity", "nothing, another version, another object", [
        (False, {}), (False, {"since": {"workloads": {"cart": {"metadata": {"resourceVersion": "9"}}}}}),
        (True, {"since": {"workloads": {"cart": {"uid": "other"}}}})]),
    ("ownership", "an autoscaler: of nothing, of another, of this one", [
        (False, {}), (False, autoscaled("web")),
        (True, autoscaled("cart"))]),
    ("ownership", "a release's apply without a count: before, with and after the write of who has it", [
        (True, released("00:59:59")), (True, released("01:00:00")),
        (False, released("01:00:01"))]),
    ("direction", "as many as there are", [
        (True, given(5)), (False, given(6)),
        (False, given(7))]),
    ("policy", "untouched, said in other words, changed", [
        (False, {}), (False, {"policy_since": {"retention": {"headroom": 0.1}}}),
        (True, {"policy_since": {"retention": {"headroom": "11%"}}})]),
    ("scope", "nobody, another, this one left out", [
        (False, selected()), (False, selected("db")),
        (True, selected("gold", "db"))]),
    ("form", "as many hosts as are listed", [
        (True, drawn(listed=("search",))), (False, drawn("search", listed=("search",))),
        (True, drawn("search", "batch", listed=("search",)))]),
    ("moved", "six replicas", [
        (True, {"since": {"workloads": {"cart": {"replicas": 5}}}}), (False, {"since": {}}),
        (True, {"since": {"workloads": {"cart": {"replicas": 7}}}})]),
    ("moved", "no mark, somebody's note, a mark of ours", [
        (False, {"since": {}}), (False, annotated(**{"example.com/build": "7"})),
        (True, annotated(**{"microglia.dev/min-replicas": "1"}))]),
    ("under-watch", "no step, a kept one, one that waits", [
        (False, {}), (False, earlier(verdict="Keep")),
        (True, earlier(verdict="Wait"))]),
    ("unsettled", "nothing written, something known, something unknown", [
        (False, {}), (False, earlier(state="done")),
        (True, earlier(state="writing"))]),
    ("phase", "before, during and after pruning", [
        (True, {"plan": {"fields": {"phase": "Exposing"}}}), (False, {}),
        (True, {"history": {"phase": "Hardened"}})]),
    ("sidecar", "no other, one for others, one for these pods", [
        (False, {"plan": ROUTE}), (False, foreign("cart")),
        (True, foreign("web"))]),
    ("freshness", "age of the snapshot: 15 minutes", [
        (False, {"world": {"taken_ago": 14}}), (False, {"world": {"taken_ago": 15}}),
        (True, {"world": {"taken_ago": 15.1}})]),
    ("freshness", "age of the plan: a day", [
        (False, {"plan": {"made_ago": 1439}}), (False, {"plan": {"made_ago": 1440}}),
        (True, {"plan": {"made_ago": 1440.1}})]),
    ("freshness", "nine tenths of the last hour of a workload", [
        (True, cart(last_heard=0.89)), (False, cart(last_heard=0.9)),
        (False, cart(last_heard=0.91))]),
    ("clock", "a minute between two clocks", [
        (False, {"world": {"taken_ago": -0.9}}), (False, {"world": {"taken_ago": -1}}),
        (True, {"world": {"taken_ago": -1.1}})]),
    ("clock", "a minute between Prometheus and this clock", [
        (False, called(0.9)), (False, called(1)),
        (True, called(1.1))]),
    ("in-flight", "every replica is of the newest template", [
        (True, {"world": {"workloads": {"cart": {"status": {"updatedReplicas": 5}}}}}), (False, {}),
        (True, {"world": {"workloads": {"cart": {"status": {"updatedReplicas": 7}}}}})]),
    ("freeze", "a freeze begins at noon", [
        (False, {"policy": freeze("1 12 * * *")}), (True, {"policy": freeze("0 12 * * *")}),
        (True, {"policy": freeze("59 11 * * *")})]),
    ("freeze", "a freeze ends at noon", [
        (True, {"policy": freeze("1 10 * * *")}), (False, {"policy": freeze("0 10 * * *")}),
        (False, {"policy": freeze("59 9 * * *")})]),
    ("blast-radius", "two objects per lap", [
        (True, paced("perLap", share="25%")),
        (False, paced("perLap", share="50%")),
        (False, paced("perLap", share="75%"))]),
    ("blast-radius", "two objects per namespace", [
        (True, paced("perNamespace", atLeast=1, share="25%")),
        (False, paced("perNamespace", atLeast=1, share="50%")),
        (False, paced("perNamespace", atLeast=1, share="75%"))]),
    ("blast-radius", "two copies of one workload in a step", [
        (True, to(4, policy={"pace": {"perWorkload": {"share": "33%"}}})),
        (False, to(4, policy={"pace": {"perWorkload": {"share": "34%"}}})),
        (False, to(4, policy={"pace": {"perWorkload": {"share": "50%"}}}))]),
    ("blast-radius", "two objects per hour", [
        (True, {"policy": {"pace": {"perHour": 1}}, "plan": {"hide": {"web": ["search"]}}}),
        (False, {"policy": {"pace": {"perHour": 2}}, "plan": {"hide": {"web": ["search"]}}}),
        (False, {"policy": {"pace": {"perHour": 3}}, "plan": {"hide": {"web": ["search"]}}})]),
    ("rare", "rules before one that takes every request", [
        (False, {"plan": {"remove": True}, "world": fronted(1)}),
        (True, {"plan": {"remove": True}, "world": fronted(2)}),
        (True, {"plan": {"remove": True}, "world": fronted(3)})]),
    ("coverage", "332 of 336 hours", [
        (False, {"world": {"deaf_hours": [9, 10, 11]}, "policy": {"observation": {"coverage": 332 / 336}}}),
        (False, {"world": {"deaf_hours": [9, 10, 11, 12]}, "policy": {"observation": {"coverage": 332 / 336}}}),
        (True, {"world": {"deaf_hours": [9, 10, 11, 12, 13]}, "policy": {"observation": {"coverage": 332 / 336}}})]),
    ("weekly-cycle", "one week of the mesh", [
        (False, weeks(1, world={"workloads": everybody(167)})),
        (False, weeks(1, world={"workloads": everybody(168)})),
        (True, weeks(1, world={"workloads": everybody(169)}))]),
    ("weekly-cycle", "one week of the workload", [
        (False, weeks(1, **cart(heard_from=167))),
        (False, weeks(1, **cart(heard_from=168))),
        (True, weeks(1, **cart(heard_from=169)))]),
    ("unseen-mass", "299 requests that show no edge but one", [
        (False, {"world": calls(300), "plan": ROUTE}), (False, {"world": calls(299), "plan": ROUTE}),
        (True, {"world": calls(298), "plan": ROUTE})]),
    ("unseen-mass", "two of 433 requests alone on their edge", [
        (False, {"world": calls(434, 2), "plan": ROUTE}), (False, {"world": calls(433, 2), "plan": ROUTE}),
        (True, {"world": calls(432, 2), "plan": ROUTE})]),
    ("hour-of-week", "Monday 09:00 heard twice, once, never", [
        (False, {}), (False, {"world": {"deaf_hours": [MONDAY]}}),
        (True, {"world": {"deaf_hours": [MONDAY, MONDAY + 168]}})]),
    ("hour-of-week", "the same of one workload", [
        (False, {}), (False, cart(deaf_hours=[MONDAY])),
        (True, cart(deaf_hours=[MONDAY, MONDAY + 168]))]),
    ("peak-tail", "five replicas serve the level", [
        (True, spiky(LEVEL / 5 * 0.999)), (False, spiky(LEVEL / 5 * (1 + 1e-9))),
        (False, spiky(LEVEL / 5 * 1.001))]),
    ("peak-honesty", "a rise by the headroom", [
        (False, risen("96%")),
        (False, risen("95%")),
        (True, risen("94%"))]),
    ("peak-honesty", "what survives carries the rise once more", [
        (False, cart(weeks=[100, 199], replicas=7)), (False, cart(weeks=[100, 200], replicas=7)),
        (True, cart(weeks=[100, 201], replicas=7))]),
    ("evidence", "a weak route", [
        (True, weak(ONE_CALL * 0.999)), (True, weak(ONE_CALL)),
        (False, weak(ONE_CALL * 1.001))]),
    ("floors", "need", [
        (True, to(2)), (False, to(3)),
        (False, to(4))]),
    ("floors", "a disruption budget", [
        (True, {"world": budget(5)}), (False, {"world": budget(4)}), (False, {"world": budget(3)})]),
    ("floors", "the policy's least count", [
        (True, {"policy": {"protect": {"minReplicas": 6}}}), (False, {"policy": {"protect": {"minReplicas": 5}}}),
        (False, {"policy": {"protect": {"minReplicas": 4}}})]),
    ("floors", "never nothing", [
        (True, {**to(0, **NOBODY)}), (False, to(1, **NOBODY)),
        (False, to(2, **NOBODY))]),
    ("floors", "the end of a shield", [
        (False, {"history": {"shields": [{"element": "shop/cart", "hours": -0.1}]}}),
        (False, {"history": {"shields": [{"element": "shop/cart", "hours": 0}]}}),
        (True, {"history": {"shields": [{"element": "shop/cart", "hours": 0.1}]}})]),
    ("victims", "as many pods as the step is large", [
        (True, {"plan": {"scale": {"cart": {"victims": []}}}}), (False, {}),
        (True, {"plan": {"scale": {"cart": {"victims": ["cart-5d4f-0", "cart-5d4f-1"]}}}})]),
    ("autoscaler", "a minimum at which it rests", [
        (True, least(5, after=4)), (False, least(6)),
        (True, least(7, after=6))]),
    ("autoscaler", "a minimum that is needed", [
        (True, least(after=2)), (False, least(after=3)),
        (False, least(after=4))]),
    ("autoscaler", "it says that it scales, that it does not, that it does not know", [
        (False, least()), (True, least(active="False")),
        (True, least(active="Unknown"))]),
    ("room", "cores for one more", [
        (True, {"world": node(cpu="8.9")}), (False, {"world": node(cpu="9")}), (False, {"world": node(cpu="9.1")})]),
    ("room", "memory for one more", [
        (True, {"world": node(memory="5759Mi")}), (False, {"world": node(memory="5760Mi")}),
        (False, {"world": node(memory="5761Mi")})]),
    ("room", "a place for one more", [
        (True, {"world": node(pods="14")}), (False, {"world": node(pods="15")}), (False, {"world": node(pods="16")})]),
    ("room", "a quota of nine", [
        (True, {"world": quota("8")}), (False, {"world": quota("9")}), (False, {"world": quota("10")})]),
    ("istiod", "1.31", [
        (True, serving("1.30.9")), (False, serving("1.31.0")),
        (False, serving("1.32.0-rc.1")), (False, serving("2.0.0"))]),
    ("allow-list", "no host beyond those of the plan", [
        (False, listing()), (True, listing(fresh={"namespace": "depot"})), (True, listing(fresh={"namespace": "born"})),
        (False, listing(fresh={"namespace": "shop"}))]),
    ("replay", "requests above capacity", [
        (False, to(2, **cart(peak=199))),
        (False, to(2, **cart(peak=200))),
        (True, to(2, **cart(peak=201)))]),
    ("n-1", "requests above what survives", [
        (False, to(2, **cart(peak=99))),
        (False, to(2, **cart(peak=100))),
        (True, to(2, **cart(peak=101)))]),
]  # fmt: skip
TRIPLES = [
    pytest.param(gate, case, refused, id=f"{gate}: {name} {place}")
    for gate, name, cases in LIMITS
    for place, (refused, case) in enumerate(cases)
]


@pytest.mark.parametrize("gate", [gate.code for gate in GATES])
def test_every_gate_has_its_three_sides(gate: str) -> None:
    """A gate without a triple of its own is not known to be where it is said to be; one that never refuses is none."""
    sides = [[refused for refused, _ in cases] for code, _, cases in LIMITS if code == gate]
    assert sides, f"no triple for the gate {gate}: add one to LIMITS"
    assert all(len(some) >= 3 and len(set(some)) == 2 for some in sides), f"{gate}: three sides, and one that refuses"


def test_no_triple_is_of_a_gate_that_is_gone() -> None:
    """The table follows the tuple of gates both ways."""
    assert {code for code, _, _ in LIMITS} == {gate.code for gate in GATES}


@pytest.mark.parametrize(("gate", "case", "refused"), TRIPLES)
def test_a_limit_is_where_it_is_said_to_be(*, gate: str, case: dict[str, Any], refused: bool) -> None:
    """What is allowed at the limit is allowed, and one step beyond it is refused."""
    assert fires(gate, case) is refused
