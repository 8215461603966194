"""What rules read of objects survives the trimming: every case of protection holds on trimmed objects, too."""

from collections.abc import Mapping
from typing import Any

import pytest

from microglia.model.objects import Raw
from microglia.model.snapshot import Snapshot
from microglia.observe.trim import trimmed
from microglia.protect.protecting import by_rules
from microglia.protect.rules import RULES
from tests import factories
from tests.cases.protect.case import FOLDER, found_by, load

CASES = [load(path) for path in sorted(FOLDER.glob("*.yaml"))]
WHOLE = [case for case in CASES if not any("found" in raw for raw in case.document["objects"])]
"""Cases that give objects as an API server does; the others tell what trimming found."""
_snapshot = factories.snapshot


def small(raw: Raw) -> Mapping[str, Any]:
    return {**trimmed(raw["kind"], raw), "kind": raw["kind"]}


@pytest.mark.parametrize("case", WHOLE, ids=[case.name for case in WHOLE])
def test_a_rule_finds_the_same_in_trimmed_objects(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that trimming drops is a protection that no real cluster would ever get."""

    def snapshot(*raws: Raw, **parts: Any) -> Snapshot:
        return _snapshot(*map(small, raws), **parts)

    monkeypatch.setattr(factories, "snapshot", snapshot)
    assert found_by(case.rule, by_rules(RULES, case.look())) == case.expected
