"""The status of a policy remembers its structure."""

import json

import pytest

from microglia.plan.status import PolicyStatus, packed, unpacked
from tests.contract.journal_contract import state
from tests.unit.act.changes import NOW


def test_a_state_comes_back_as_it_was() -> None:
    """Through JSON, and what else the status says stays."""
    status = PolicyStatus(saying="so", reopened=NOW).remembering(state())
    read = PolicyStatus.model_validate(json.loads(status.model_dump_json(by_alias=True, exclude_none=True)))
    assert read == status
    assert read.state("default") == state()
    assert (read.saying, read.reopened) == ("so", NOW)


def test_before_the_first_lap_there_is_no_state() -> None:
    """Also where somebody already reopened it."""
    assert PolicyStatus(reopened=NOW).state("default") is None


def test_ten_thousand_workloads_fit() -> None:
    """Counts and demand of a large structure, in less than an object may have, and the same on every write."""
    exposed = {f"namespace-{number % 40}/workload-{number}": number % 9 for number in range(10_000)}
    demand = {name: number / 7 for number, name in enumerate(exposed)}
    text = packed(exposed, demand)
    assert len(text) < 200 * 1024
    assert unpacked(text) == (exposed, demand)
    assert packed(dict(reversed(exposed.items())), demand) == text


@pytest.mark.parametrize("text", ["x", "eA==", "eJyrrgUAAXUA+Q==", "????"])
def test_a_damaged_memory_is_named(text: str) -> None:
    """Never taken for an empty one."""
    with pytest.raises(ValueError, match=r"status\.memory is damaged"):
        PolicyStatus().remembering(state()).model_copy(update={"memory": text}).state("default")


def test_a_state_may_lack_its_maps() -> None:
    """Somebody took the packed memory away: counts at first and demand are unknown, the phase is not."""
    found = PolicyStatus().remembering(state()).model_copy(update={"memory": ""}).state("default")
    assert found is not None
    assert (found.phase, found.exposed, found.demand) == (state().phase, {}, {})
