"""Saved plans: found by id or file, refused when they are not what was saved."""

import json
import os
from pathlib import Path

import pytest

from microglia.plan.change import digest
from microglia.store.files import StoreError
from microglia.store.folder import Folder
from microglia.store.plans import Plans, export, read
from tests.unit.act.changes import plan, scales


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans(Folder(tmp_path / "state"))


def test_a_plan_is_found_by_id_by_its_digits_and_by_file(plans: Plans, tmp_path: Path) -> None:
    """What comes back is equal and has the same digest."""
    made = plan(*scales("a", "b"))
    path = plans.save(made)
    export(made, tmp_path / "mine.json")
    for which in (made.id, made.id.removeprefix("plan-"), str(path), str(tmp_path / "mine.json")):
        loaded = plans.load(which)
        assert loaded == made
        assert loaded.digest == made.digest


def test_an_unknown_plan_names_the_newest(plans: Plans) -> None:
    """A typing mistake is answered with what there is, newest first."""
    with pytest.raises(StoreError, match=r"no such plan in .*newest: none"):
        plans.load("plan-1")
    made = [plan(*scales("a"), round=number) for number in range(3)]
    for age, one in enumerate(made):
        os.utime(plans.save(one), (100 - age, 100 - age))
    assert plans.newest(2) == (made[0].id, made[1].id)
    with pytest.raises(StoreError, match=f"newest: {made[0].id}, {made[1].id}, {made[2].id}"):
        plans.load("plan-1")


def test_a_plan_that_was_edited_is_refused(plans: Plans) -> None:
    """One number changed by hand: the file, the fault and the remedy."""
    path = plans.save(plan(*scales("a")))
    path.write_text(path.read_text().replace('"after": 2', '"after": 1'))
    with pytest.raises(StoreError, match=r"was changed after it was written.*make a new plan"):
        read(path)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"format": 3}, "plan format 3"),
        ({"format": 1}, "is no plan: structure: Field required; make a new plan"),
        ({"format": 1, "zeal": 3}, "is no plan"),
    ],
)
def test_a_plan_of_another_version_is_refused_by_name(tmp_path: Path, value: dict[str, int], words: str) -> None:
    """Newer formats and unknown fields."""
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"checksum": digest(value), "plan": value}))
    with pytest.raises(StoreError, match=words):
        read(path)
