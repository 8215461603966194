"""Every marker of the catalogue has a rule, or the fallback; and rules are told apart."""

import pytest

from microglia.model.kinds import BY_NAME
from microglia.protect.catalogue import CATALOGUE, Row
from microglia.protect.marks import MARKS
from microglia.protect.not_understood import FAMILIES, NAMING_KINDS, READ, strange
from microglia.protect.rules import RULES

CODES = {rule.code for rule in RULES}


@pytest.mark.parametrize("row", CATALOGUE, ids=[row.name for row in CATALOGUE])
def test_every_row_is_covered(row: Row) -> None:
    """By rules that exist; where the fallback is named, it must really read what the row shows."""
    assert row.rules
    assert set(row.rules) <= CODES
    if "not-understood" in row.rules:
        shown = row.shown.split(" ")[0]
        assert shown in NAMING_KINDS or strange(shown)


def test_every_part_of_the_catalogue_is_there() -> None:
    """Losing a row silently would lose its protection in the next change."""
    groups = [row.group for row in CATALOGUE]
    counts = {group: groups.count(group) for group in dict.fromkeys(groups)}
    assert counts == {
        "routing": 32,
        "callbacks": 6,
        "data": 12,
        "delivery": 7,
        "availability": 7,
        "rare": 5,
        "marks": 12,
    }
    assert len({row.name for row in CATALOGUE}) == len(CATALOGUE)


def test_what_rules_read_is_no_riddle() -> None:
    """A name that is read is of a family that would else be kept, and nothing of it is kept for being strange."""
    assert all(name.startswith(FAMILIES) and not strange(name) for name in READ)
    assert strange("consul.hashicorp.com/unheard-of")


def test_kinds_that_the_fallback_reads_are_observed() -> None:
    """A kind that nobody lists would never be seen."""
    assert set(NAMING_KINDS) <= set(BY_NAME)


def test_marks_of_other_tools_are_all_in_the_catalogue() -> None:
    """Each mark, or one of its tool, has a row."""
    shown = " ".join(row.shown for row in CATALOGUE)
    assert all(mark.partition("/")[0] in shown for mark in MARKS)


def test_rules_have_codes_and_meanings_of_their_own() -> None:
    """People read them in a list and name them in ``protect.never``."""
    assert len(CODES) == len(RULES)
    assert all(rule.code == rule.code.lower() and " " not in rule.code for rule in RULES)
    assert all(rule.meaning.endswith((".", ":")) or rule.meaning for rule in RULES)
    assert len({rule.meaning for rule in RULES}) == len(RULES)
