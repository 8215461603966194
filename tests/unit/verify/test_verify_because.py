"""What refuses a change is told with its reason, and what nobody could read once, not once per kind."""

from dataclasses import replace

import pytest

from microglia.model.ids import ObjectRef
from microglia.protect.ledger import Level, Protection
from microglia.verify.because import because, told
from microglia.verify.clear import Refused, verify
from tests.unit.verify.verify_world import scene

GRANT = "grant them: microglia doctor --rbac | kubectl apply -f -"


def blind(kind: str) -> Protection:
    source = ObjectRef(kind, "", "*")
    return Protection("blind-spot", Level.PIN, 0, f"{kind} could not be read", source, "list", "403", blind=True)


def test_kinds_that_could_not_be_read_are_one_reason() -> None:
    """They come last, in their order, each named once; what a person wrote stands as it is."""
    written = replace(blind("Protection"), rule="protection", reason="drilled", blind=False)
    unknown = replace(blind("Deployment"), rule="unknown", reason="never heard")
    found = list(told([blind("Node"), written, blind("Lease"), unknown, blind("Node")]))
    assert [one.rule for one in found] == ["protection", "unknown", "blind-spot"]
    assert because(found[2]) == f"whether one of these asks for it could not be read: Node, Lease; {GRANT}"
    assert because(found[0]) == "drilled (Protection *, list); make a new plan: microglia plan"
    assert because(found[1]).startswith("never heard (Deployment *, list)")
    assert list(told([])) == []


@pytest.mark.parametrize(
    ("plan", "subject"), [({}, "shop/cart"), ({"scale": {"cart": None}, "hide": {"web": ["search"]}}, "shop/web")]
)
def test_a_plan_against_many_blind_kinds_gets_one_row(plan: dict[str, object], subject: str) -> None:
    """One refusal of gate floors names all of them, for replicas and for routes."""
    kinds = ["DestinationRule", "VirtualService", "ServiceEntry"]
    one = scene({"world": {"blind": kinds}, "plan": plan})
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    assert isinstance(checked, Refused)
    (row,) = [refusal for refusal in checked.refusals if refusal.gate == "floors" and "read" in refusal.message]
    assert row.subject.startswith(subject)
    assert row.message.endswith(f"could not be read: {', '.join(sorted(kinds))}; {GRANT}")
