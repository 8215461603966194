"""Every reason says where it is written, and every rule of a finished part shows both of its sides."""

import pytest

from microglia.protect.blind import ON_ROUTES
from microglia.protect.catalogue import CALLBACKS, ROUTING
from microglia.protect.protecting import by_rules
from microglia.protect.rules import RULES
from tests.cases.protect.case import FOLDER, Case, load
from tests.cases.protect.evidence import holding, told, written

CASES = [load(path) for path in sorted(FOLDER.glob("*.yaml"))]
TELLING = [case for case in CASES if told(case)]
FINISHED = sorted({rule for row in (*ROUTING, *CALLBACKS) for rule in row.rules})
"""Rules of parts of the catalogue whose cases are complete: ``<rule>.yaml`` and ``<rule>-not-<what>.yaml``."""


@pytest.mark.parametrize("case", TELLING, ids=[case.name for case in TELLING])
def test_a_reason_is_found_where_it_is_written(case: Case) -> None:
    """People look it up in their own objects: by object, field and value."""
    found = written(case.rule, by_rules(RULES, case.look()))
    assert set(told(case)) <= found


@pytest.mark.parametrize("rule", FINISHED)
def test_a_rule_has_a_case_for_what_it_keeps_and_one_for_what_it_does_not(rule: str) -> None:
    """A rule that keeps everything would pass every test of what it keeps."""
    own = [case for case in CASES if case.rule == rule]
    assert any(told(case) for case in own if not case.name.startswith(f"{rule}-not-"))
    assert any(case.name.startswith(f"{rule}-not-") for case in own)


def test_a_kind_that_holds_routes_holds_them_all_when_it_cannot_be_read() -> None:
    """Else a missing permission would cut what the permission would have kept. Policies and plans are our own."""
    kinds = {kind for case in CASES for kind in holding(by_rules(RULES, case.look()))}
    assert kinds - {"PruningPolicy", "PruningPlan"} <= ON_ROUTES
