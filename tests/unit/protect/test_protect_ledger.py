"""Overrides, notes about what points at nothing, floors, and what else the ledger promises."""

import pytest

from microglia.lifecycle.states import Shield
from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import BlindSpot
from microglia.policy.schema import PolicySpec
from microglia.protect import protect
from microglia.protect.availability import least_together, shared_floor
from microglia.protect.ledger import Level, Protection, Protections, ledger, route, workload
from microglia.protect.rules import RULES
from microglia.topology.build import build
from tests.factories import NOW, Json, deployment, nodes, replica_score, running, scores, service, snapshot, thing

A, B = WorkloadId("shop", "a"), WorkloadId("shop", "b")


def protected(*raws: Json, policy: Json | None = None, faults: tuple[BlindSpot, ...] = ()) -> Protections:
    topology = build(snapshot(*nodes(), *raws, faults=faults))
    scored = scores(*(replica_score(one.id, one.replicas) for one in topology.workloads.values()))
    return protect(topology, scored, PolicySpec.model_validate({"protect": policy or {}}), (), NOW)


def rules_of(found: Protections, target: WorkloadId) -> set[str]:
    return {one.rule for one in found.of(target)}


def never(rule: str, name: str = "a", **more: str) -> Json:
    return {"never": [{"rule": rule, "namespace": "shop", "name": name, "reason": "known to be wrong", **more}]}


def marked(name: str) -> list[Json]:
    return running(deployment(name, annotations={"microglia.dev/protect": "x"}))


def test_an_override_drops_one_rule_for_what_it_names() -> None:
    """Other objects keep the rule, and the object keeps its other rules."""
    found = protected(*marked("a"), *marked("b"), policy=never("annotated"))
    assert rules_of(found, A) == {"minimum-policy"}
    assert rules_of(found, B) == {"annotated", "minimum-policy"}
    assert A not in found.clients
    assert B in found.clients
    assert found.dangling == ()


def test_an_override_of_a_service_drops_routes_to_it() -> None:
    """The Service stands for everybody's route to it."""
    raws = [*marked("a"), service("a"), *marked("b"), service("b")]
    found = protected(*raws, policy=never("annotated", kind="Service"))
    assert list(found.hosts) == ["b.shop.svc.cluster.local"]
    assert "annotated" in rules_of(found, A)


def test_an_override_that_strikes_nothing_is_reported() -> None:
    """A typo in an override must not look like consent."""
    found = protected(*marked("a"), policy=never("annotated", "aa"))
    (note,) = found.dangling
    assert (note.rule, note.source.kind, note.field) == ("never", "PruningPolicy", "spec.protect.never[0]")
    assert note.value == "Deployment shop/aa"


def test_overrides_do_not_touch_hosts_outside_the_cluster() -> None:
    """A host of a ServiceEntry is no Service."""
    entry = thing("ServiceEntry", "bank", spec={"hosts": ["api.bank.example"]})
    found = protected(entry, policy=never("service-entry", "*", kind="Service"))
    assert list(found.hosts) == ["api.bank.example"]


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (
            thing("Protection", "p", spec={"targets": [{"kind": "Deployment", "name": "gone"}]}),
            "spec.targets[0]",
            "there is no workload in shop that this means",
        ),
        (
            thing("Protection", "p", spec={"targets": [{"kind": "Secret", "name": "a"}]}),
            "spec.targets[0]",
            "Secret is no kind that can be protected by name",
        ),
        (
            thing("Protection", "p", spec={"targets": [{"kind": "Deployment", "name": "a"}], "until": "2026-06-28"}),
            "spec.until",
            "its last day is over: renew or delete it",
        ),
        (
            thing("Protection", "p", spec={"targets": [], "backupFor": {"namespace": "shop", "name": "gone"}}),
            "spec.backupFor",
            "there is no such primary",
        ),
        (
            service("x", annotations={"microglia.dev/backup-for": "gone"}),
            "metadata.annotations[microglia.dev/backup-for]",
            "there is no such primary",
        ),
        (
            thing("DestinationRule", "r", spec={"host": "gone", "trafficPolicy": {"outlierDetection": {}}}),
            "spec.host",
            "r is about a host that does not exist",
        ),
    ],
)
def test_what_points_at_nothing_is_reported(raw: Json, field: str, reason: str) -> None:
    """With the object, the field and what is wrong."""
    (note,) = protected(*running(deployment("a")), raw).dangling
    assert (note.field, note.reason) == (field, reason)
    assert note.source == ObjectRef(raw["kind"], "shop", raw["metadata"]["name"])


@pytest.mark.parametrize(
    "raw",
    [
        thing("Protection", "p", spec={"targets": [{"kind": "Service", "name": "a"}], "until": "2026-06-29"}),
        thing(
            "Protection", "p", spec={"targets": [], "until": "soon", "backupFor": {"namespace": "shop", "name": "a"}}
        ),
        service("x", annotations={"microglia.dev/backup-for": "shop/a"}),
        thing("Namespace", "shop", "", annotations={"microglia.dev/backup-for": "gone"}),
        thing("DestinationRule", "r", spec={"host": "a", "trafficPolicy": {"outlierDetection": {}}}),
        thing("DestinationRule", "r", spec={"host": "*.shop.svc.cluster.local", "trafficPolicy": {"tls": {}}}),
        thing("DestinationRule", "r", spec={"host": "gone"}),
    ],
)
def test_what_points_at_something_is_not_reported(raw: Json) -> None:
    """Neither is a DestinationRule that protects nothing anyway; an unreadable date is never over."""
    assert protected(*running(deployment("a")), service("a"), raw).dangling == ()


def test_an_unreadable_date_keeps_protecting() -> None:
    """When in doubt, keep."""
    spec = {"targets": [{"kind": "Deployment", "name": "a"}], "until": "soon"}
    assert "protection" in rules_of(protected(*running(deployment("a")), thing("Protection", "p", spec=spec)), A)


@pytest.mark.parametrize(
    ("field", "value", "least"),
    [
        ("minAvailable", 0, 1),
        ("minAvailable", 2, 3),
        ("minAvailable", "0%", 1),
        ("minAvailable", "50%", 2),
        ("minAvailable", "51%", 3),
        ("minAvailable", "90%", 10),
        ("minAvailable", "100%", None),
        ("maxUnavailable", 1, 2),
        ("maxUnavailable", "10%", 2),
        ("maxUnavailable", 0, None),
        ("maxUnavailable", "0%", None),
        ("maxUnavailable", None, None),
    ],
)
def test_a_budget_is_the_smallest_count_that_can_be_drained(field: str, value: object, least: int | None) -> None:
    """Smallest r with r - ceil(p r) >= 1, checked against its definition."""
    assert least_together(field, value) == least


@pytest.mark.parametrize("percent", range(1, 100))
def test_a_percentage_budget_matches_its_definition(percent: int) -> None:
    """By trying every count."""
    smallest = next(r for r in range(1, 200) if r - -(-percent * r // 100) >= 1)
    assert least_together("minAvailable", f"{percent}%") == smallest


def test_shared_floors_never_fall_below_their_sum() -> None:
    """In proportion, rounded up, never above what is there."""
    assert shared_floor(3, [6, 2]) == [3, 1]
    assert shared_floor(5, [3, 3, 3]) == [2, 2, 2]
    assert shared_floor(9, [1, 2]) == [1, 2]
    assert shared_floor(2, [0]) == [0]


def test_what_is_not_seen_is_marked_as_blind() -> None:
    """Blind protections widen a budget, others do not: the two must be told apart."""
    faults = (BlindSpot("Lease", "forbidden"),)
    found = protected(*running(deployment("a"), meshed=False), faults=faults)
    blind = {one.rule: one.blind for one in found.of(A)}
    assert blind == {"blind-spot": True, "unmeshed": True, "minimum-policy": False}
    (one,) = (one for one in found.of(A) if one.rule == "blind-spot")
    assert one.reason == "Lease could not be read, so how many copies people asked for is not known"
    assert one.value == "forbidden"


def test_floors_and_pins_add_up() -> None:
    """The highest floor counts, a pin is the present count, and nothing is above it."""
    marks = {"microglia.dev/min-replicas": "4"}
    found = protected(*running(deployment("a", replicas=6, annotations=marks)), *marked("b"))
    assert found.floor(A, 6) == 4
    assert found.floor(A, 3) == 3
    assert found.floor(B, 6) == 6
    assert found.floor(WorkloadId("shop", "nobody"), 6) == 0
    assert [one.level for one in found.of(B)] == [Level.PIN, Level.FLOOR]


def test_routes_are_held_from_either_end() -> None:
    """Every route of a client, every route to a host, and the route between two."""
    entry = thing("ServiceEntry", "e", spec={"hosts": ["x.example"]})
    raw = deployment("b", found={"hosts": ["c.shop.svc.cluster.local"]})
    found = protected(*marked("a"), *running(raw), *running(deployment("c")), service("c"), entry)
    held = [
        {one.rule for one in found.of_route(A, "anything")},
        {one.rule for one in found.of_route(B, "x.example")},
        {one.rule for one in found.of_route(B, "c.shop.svc.cluster.local")},
        {one.rule for one in found.of_route(B, "d.shop.svc.cluster.local")},
    ]
    assert held == [{"annotated"}, {"service-entry"}, {"configured-host"}, set()]


def test_the_order_of_objects_does_not_matter() -> None:
    """The same world gives the same ledger, in the same order."""
    raws = [
        *marked("b"),
        service("b"),
        *marked("a"),
        service("a"),
        thing("ServiceEntry", "e", spec={"hosts": ["x.example"]}),
    ]
    there, back = protected(*raws), protected(*reversed(raws))
    assert there == back
    assert list(there.workloads) == list(back.workloads) == [A, B]


def test_a_shield_of_something_gone_harms_nothing() -> None:
    """A workload may be deleted while it is shielded."""
    topology = build(snapshot(*running(deployment("a"))))
    shields = [Shield("shop/gone", NOW.replace(year=2027), "it hurt")]
    found = protect(topology, scores(), PolicySpec(), shields, NOW)
    assert rules_of(found, WorkloadId("shop", "gone")) == {"shield"}


def test_a_ledger_sorts_by_what_is_held() -> None:
    """Replicas, all routes of a client, all routes to a host, one route; each without repetition."""
    one = Protection("rule", Level.PIN, 0, "because", ObjectRef("Service", "shop", "a"), "spec", "x")
    every = [workload(A, one), route(one, client=A), route(one, host="h"), route(one, client=A, host="h")]
    found = ledger([*every, *every])
    assert (found.workloads, found.clients, found.hosts) == ({A: (one,)}, {A: (one,)}, {"h": (one,)})
    assert found.routes == {(A, "h"): (one,)}
    assert found.of_route(A, "h") == (one, one, one)


def test_rules_read_well_in_a_list() -> None:
    """Codes are function names in kebab case."""
    assert [rule.code for rule in RULES][:3] == ["policy-always", "protection", "annotated"]
    assert RULES[0].meaning == "The policy names it under protect.always."
