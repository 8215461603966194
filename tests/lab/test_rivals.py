"""Two writers on the real API server: the leader is killed in the middle of a plan, and the other one settles."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.lab.rivals import Rivals

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def both(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rivals]:
    """Two of them, and another one for everyone who is killed."""
    made = Rivals(lab, tmp_path_factory.mktemp("rivals"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def rivals(both: Rivals) -> Iterator[Rivals]:
    """Nothing was pruned yet, and nothing is up."""
    yield both
    both.reset()


@pytest.mark.parametrize("drawn", range(10))
def test_a_killed_leader_leaves_nothing_half_done(rivals: Rivals, drawn: int) -> None:
    """SIGKILL at a drawn point of a plan of six: the other leads, every count is as planned or as before, and the
    journal knows which."""
    draw = random.Random(drawn)
    plan = rivals.offer()
    killed = rivals.kill(plan, draw.randrange(6), draw.uniform(0.0, 0.2))
    rivals.join()
    record = rivals.settled(plan)
    assert rivals.leader() not in (0, killed)
    changes, steps = record["spec"]["changes"], record["status"]["steps"]
    assert len(steps) == len(changes) == len(rivals.before)
    assert {step["state"] for step in steps} <= {"done", "failed", "skipped"}
    assert all("found at the next start" in step["message"] for step in steps if step["state"] == "failed")
    done = {changes[step["index"]]["workload"].partition("/")[2] for step in steps if step["state"] == "done"}
    assert rivals.counts() == {name: count - (name in done) for name, count in rivals.before.items()}
    assert record["status"]["state"] == ("Done" if len(done) == len(changes) else "Partly" if done else "Nothing")
