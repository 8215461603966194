"""Formats of the plan document: what an older one lacks is neither written nor part of its digest."""

import json
from pathlib import Path
from typing import Any

import pytest

from microglia.plan.change import digest
from microglia.plan.document import FORMAT, AccountLine, Competition, Note, Plan, Rule
from tests.planning import plan

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "journal").glob("format-*/*.json"))
RULE = Rule(rule="mirror", object="VirtualService shop/v", field="spec.http", value="", reason="a mirror")
ACCOUNT = AccountLine(
    resource="cpu", load_bearing=1.0, budget=2.0, kept=2.0, present=3.0, excess=1.0, price=0.1, outside=0.5
)


def written(**parts: Any) -> dict[str, Any]:
    """A plan with everything that format 2 added, as it is written."""
    note = Note(subject="shop/a", what="stays", why="mirror: a mirror", rules=(RULE,))
    found = Competition(value=1.0, bound=2.0, gap=0.5, unseen=0.0, elements=7, largest=0.3)
    defaults: dict[str, Any] = {"competition": found}
    one = plan(held=(note,), spared=(note,), undecided=(note,), accounts=(ACCOUNT,), **{**defaults, **parts})
    return one.model_dump(mode="json", by_alias=True)


def test_todays_format_tells_rules_outside_and_elements() -> None:
    """A script finds the rule's code, the object, the field and the value that spare something."""
    found = written()
    assert found["format"] == FORMAT == 2
    assert found["spared"][0]["rules"] == [
        {"rule": "mirror", "object": "VirtualService shop/v", "field": "spec.http", "value": "", "reason": "a mirror"}
    ]
    assert found["accounts"][0]["outside"] == 0.5
    assert (found["competition"]["elements"], found["competition"]["largest"]) == (7, 0.3)
    assert Plan.model_validate(found).model_dump(mode="json", by_alias=True) == found


def test_the_first_format_is_written_as_it_was() -> None:
    """Nothing of what came later appears in it, with a competition and without."""
    found = written(format=1)
    assert [sorted(found[name][0]) for name in ("held", "spared", "undecided")] == [["subject", "what", "why"]] * 3
    assert "outside" not in found["accounts"][0]
    assert sorted(found["competition"]) == ["bound", "gap", "unseen", "value"]
    assert written(format=1, competition=None)["competition"] is None


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_documents_of_every_format_keep_their_digest(path: Path) -> None:
    """Read and written again, an old plan is the same to the last key, and so is its id."""
    told = json.loads(path.read_text())["record"]["plan"]
    one = Plan.model_validate(told)
    assert one.model_dump(mode="json", by_alias=True) == told
    assert one.id == path.stem == f"plan-{digest(told)[:8]}"
