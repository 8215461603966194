"""Changes and plans as documents."""

from copy import deepcopy

import pytest

from microglia.model.ids import WorkloadId
from microglia.plan.change import REVISION, decision_digest, observed
from microglia.plan.document import Plan
from microglia.plan.history import Record
from microglia.plan.ports import Journal, Writer
from tests.factories import deployment
from tests.planning import cut, host, plan, record, saving, scaled

CART = deployment("cart", replicas=5)


def test_a_change_knows_what_it_writes() -> None:
    """Element, id and direction come from the change itself."""
    down, up = scaled(CART, 5, 4), scaled(CART, 4, 5)
    assert (down.id, down.element) == (WorkloadId("shop", "cart"), "replica:shop/cart")
    assert (down.widens, up.widens) == (False, True)
    hidden, shown = cut("cart", host("ads")), cut("cart", shown=(host("ads"),))
    assert (hidden.id, hidden.element) == (WorkloadId("shop", "cart"), "routes:shop/cart")
    assert (hidden.widens, shown.widens) == (False, True)


@pytest.mark.parametrize(
    "path",
    [
        ("metadata", "uid"), ("metadata", "generation"), ("spec", "replicas"), ("spec", "selector"),
        ("metadata", "labels"), ("metadata", "ownerReferences"),
    ],
)  # fmt: skip
def test_the_digest_moves_with_every_field_a_decision_reads(path: tuple[str, str]) -> None:
    """Count, selector, labels and owners are read, and the generation where nobody counts rollouts."""
    changed = deepcopy(CART)
    other = {"labels": {"team": "a"}, "ownerReferences": [{"kind": "Rollout", "name": "cart"}], "selector": {}}
    changed[path[0]][path[1]] = other.get(path[1], "other")
    assert decision_digest(changed) != decision_digest(CART)


@pytest.mark.parametrize(
    "mark",
    [
        "microglia.dev/protect",
        "argocd.argoproj.io/tracking-id",
        "meta.helm.sh/release-name",
        "kustomize.toolkit.fluxcd.io/reconcile",
        "helm.toolkit.fluxcd.io/driftDetection",
        "downscaler/uptime",
    ],
)
def test_the_digest_moves_with_marks(mark: str) -> None:
    """Our marks and those of owners are read, other annotations are not."""
    marked, noted = deepcopy(CART), deepcopy(CART)
    marked["metadata"]["annotations"] = {mark: "x"}
    noted["metadata"]["annotations"] = {"example.com/seen": "x"}
    assert decision_digest(marked) != decision_digest(CART)
    assert decision_digest(noted) == decision_digest(CART)


def rolled(revision: str = "3", **spec: object) -> dict[str, object]:
    """``cart`` as its controller keeps it."""
    raw = deepcopy(CART)
    raw["metadata"]["annotations"] = {REVISION: revision}
    raw["spec"].update(spec)
    return raw


def test_a_deployments_template_is_known_by_its_revision() -> None:
    """Its generation moves with every annotation, so that does not count; revision and settings do, if trimmed too."""
    before, annotated, trimmed = rolled(), rolled(), rolled(template={})
    annotated["metadata"] = {**CART["metadata"], "generation": 9, "annotations": {REVISION: "3", "example.com/x": "y"}}
    assert decision_digest(annotated) == decision_digest(trimmed) == decision_digest(before)
    assert decision_digest(rolled("4")) != decision_digest(before)
    assert decision_digest(rolled(strategy={"type": "Recreate"})) != decision_digest(before)
    assert decision_digest(rolled(paused=True)) != decision_digest(before)


@pytest.mark.parametrize(
    ("status", "seen"), [({}, True), ({"observedGeneration": 1}, False), ({"observedGeneration": 2}, True)]
)
def test_a_controller_has_seen_what_its_status_says(*, status: dict[str, int], seen: bool) -> None:
    """A status without the number says nothing against it."""
    raw = deployment("cart", metadata={"generation": 2}, status=status)
    raw["status"] = status
    assert observed(raw) is seen


def test_the_digest_does_not_move_with_status() -> None:
    """A status update or a new resourceVersion is no surprise."""
    changed = deepcopy(CART)
    changed["status"] = {"replicas": 1}
    changed["metadata"]["resourceVersion"] = "99"
    assert decision_digest(changed) == decision_digest(CART)


def test_a_plan_reads_back_as_it_was_written() -> None:
    """The same document, the same digest and id."""
    one = plan(scaled(CART, 5, 4), cut("cart", host("ads")))
    again = Plan.model_validate_json(one.model_dump_json(by_alias=True))
    assert again == one
    assert again.id == one.id == f"plan-{one.digest[:8]}"
    assert plan(scaled(CART, 5, 3)).id != one.id


def test_a_plan_adds_up_what_it_saves() -> None:
    """Savings of all changes together, also of a part of them."""
    one = plan(
        scaled(CART, 5, 4, saving=saving(cpu=0.5, memory=10.0, replicas=1, money=3.0)),
        cut("cart", host("ads"), saving=saving(proxy_config=7.0)),
    )
    assert one.saving == saving(cpu=0.5, memory=10.0, replicas=1, money=3.0, proxy_config=7.0)
    assert one.only(1).saving == saving(proxy_config=7.0)


def test_a_record_knows_what_happened_and_what_was_said_last() -> None:
    """Only done steps count; the newest judgement of a change holds."""
    one = record(scaled(CART, 5, 4), cut("cart", host("ads")), verdicts=["Wait", "Keep"])
    later = one.judgements[0].model_copy(update={"verdict": "Keep"})
    two = one.model_copy(update={"judgements": (*one.judgements, later)})
    assert (one.id, one.done()) == (one.plan.id, (0, 1))
    assert record(scaled(CART, 5, 4), state="failed").done() == ()
    assert (one.verdict(0), two.verdict(0)) == (one.judgements[0], later)
    assert one.verdict(7) is None
    assert Record.model_validate_json(two.model_dump_json(by_alias=True)) == two


def test_ports_say_what_they_promise() -> None:
    """Whoever implements a port finds every promise in its docstring."""
    verbs = {name: verb for port in (Writer, Journal) for name, verb in vars(port).items() if not name.startswith("_")}
    assert {
        "write",
        "look",
        "history",
        "begin",
        "step",
        "finish",
        "judge",
        "restored",
        "save",
        "reopen",
    } <= verbs.keys()
    assert all((verb.__doc__ or "").endswith(".") for verb in verbs.values())
