"""Every case file: a world, a policy and a plan, and exactly the gates that refuse."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microglia.verify.clear import Cleared, Refused, verify
from microglia.verify.facts import gather
from microglia.verify.gates import GATES, refusals
from tests.unit.verify.verify_world import Scene, merged, own_sidecar, scene

CASES = Path(__file__).parents[2] / "cases" / "verify"
FOUND: list[dict[str, Any]] = [
    {"file": path.stem, **case}
    for path in sorted(CASES.glob("*.yaml"))
    for case in YAML(typ="safe").load(path.read_text())
]


def told(case: dict[str, Any]) -> Scene:
    """The case with our own Sidecars put where it says."""
    case = dict(case)
    for where, field in (("own", "world"), ("own_since", "since")):
        ours = [own_sidecar(client, *hosts) for client, hosts in case.get(where, {}).items()]
        if ours and case.get("edited"):
            ours[0]["spec"]["egress"].append({"hosts": ["./*"]})
        if ours:
            case[field] = merged({"objects": ours}, case.get(field, {}))
    return scene(case)


@pytest.mark.parametrize("case", FOUND, ids=lambda case: f"{case['file']}: {case['says']}")
def test_exactly_the_gates_that_should_refuse_do(case: dict[str, Any]) -> None:
    """Each case is refused by its gates and no other, with the evidence and the way out in the message."""
    one = told(case)
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    found = checked.refusals if isinstance(checked, Refused) else ()
    messages = [f"{refusal.gate}: {refusal.message}" for refusal in found]
    assert {refusal.gate for refusal in found} == set(case["refused"]), messages
    for gate, part in case["refused"].items():
        assert any(part in refusal.message for refusal in found if refusal.gate == gate), messages
    assert isinstance(checked, Refused if case["refused"] else Cleared)


@pytest.mark.parametrize("left_out", [gate.code for gate in GATES])
def test_no_gate_can_be_left_out_unnoticed(left_out: str) -> None:
    """Without any one gate, at least one case is refused by fewer gates than it should be."""
    rest = tuple(gate for gate in GATES if gate.code != left_out)
    missed = 0
    for case in (case for case in FOUND if left_out in case["refused"]):
        one = told(case)
        facts = gather(one.plan, one.topology, one.history, one.policy, one.now)
        missed += {refusal.gate for refusal in refusals(facts, rest)} != set(case["refused"])
    assert missed > 0
