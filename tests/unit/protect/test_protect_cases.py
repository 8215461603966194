"""Every rule against its case files: it finds what they say, all of it, and nothing else."""

import pytest

from microglia.protect.keep import Rule
from microglia.protect.protecting import by_rules
from microglia.protect.rules import RULES
from tests.cases.protect.case import FOLDER, Case, found_by, load

CASES = [load(path) for path in sorted(FOLDER.glob("*.yaml"))]


def satisfied(case: Case, rules: tuple[Rule, ...]) -> bool:
    return found_by(case.rule, by_rules(rules, case.look())) == case.expected


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_rule_finds_what_its_case_says_and_nothing_else(case: Case) -> None:
    """Missing protections lose somebody's standby; needless ones make the tool useless."""
    assert found_by(case.rule, by_rules(RULES, case.look())) == case.expected


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_rule_says_why_and_where_it_is_written(case: Case) -> None:
    """A person checks it there: reason, object, field and value."""
    assert case.unsaid(by_rules(RULES, case.look())) == []


@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_without_a_rule_one_of_its_cases_fails(rule: Rule) -> None:
    """No rule is there for show."""
    others = tuple(other for other in RULES if other is not rule)
    assert not all(satisfied(case, others) for case in CASES if case.rule == rule.code)


def test_every_case_is_about_a_rule_that_exists() -> None:
    """A case whose rule was renamed would test nothing."""
    assert {case.rule for case in CASES} == {rule.code for rule in RULES}
