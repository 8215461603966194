"""A plan that gives back lets in more, whatever the form of its Sidecars."""

from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.plan.sidecar import Allowed, body
from microglia.verify.facts import gather
from microglia.verify.gates import refusals
from tests.unit.verify.verify_world import scene

FAR, NEAR = "far.depot.svc.cluster.local", "near.depot.svc.cluster.local"
WEB = WorkloadId("shop", "web")
FEW, MORE = ("default", "shop"), ("default", "market", "shop")


def sidecar(*hosts: str, names: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """One of ours that hides ``hosts``, by exclusion or by what ``names`` leaves out."""
    return body(WEB, {"app": "web"}, hosts, Allowed(names, "1") if names else None)


@pytest.mark.parametrize(
    ("before", "after", "takes"),
    [
        (sidecar(FAR, NEAR, names=FEW), sidecar(FAR, names=FEW), False),
        (sidecar(FAR, names=FEW), sidecar(FAR, names=MORE), False),
        (sidecar(FAR, names=FEW), None, False),
        (sidecar(FAR, names=MORE), sidecar(FAR, names=FEW), True),
        (sidecar(FAR), sidecar(FAR, names=FEW), True),
        (sidecar(FAR, NEAR), sidecar(FAR), False),
    ],
)
def test_giving_back_leaves_out_no_namespace(
    *, before: dict[str, Any] | None, after: dict[str, Any] | None, takes: bool
) -> None:
    """A list that names fewer namespaces hides what nobody listed, and so does one where there was none."""
    wish: dict[str, Any] = {"hosts": [], "before": before, "after": after, "cut": ()}
    one = scene({"plan": {"scale": {"cart": None}, "hide": {"web": wish}, "fields": {"purpose": "restore"}}})
    found = refusals(gather(one.plan, one.topology, one.history, one.policy, one.now))
    assert ("direction" in {refusal.gate for refusal in found}) is takes
