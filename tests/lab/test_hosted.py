"""The agent as the chart runs it: rendered arguments and environment, its own tokens, its own rights, and the wall."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import requests

from tests.lab import Lab
from tests.lab.helming import RELEASE
from tests.lab.processes import Child
from tests.lab.release import Release
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

WITHIN = 150.0
REFUSED = ("orbidden", "403", "denied request", "Traceback")
"""What no log of the agent may say."""


@pytest.fixture(scope="module")
def release(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Installed in mode auto."""
    made = Release(lab, tmp_path_factory.mktemp("release"))
    try:
        yield made
    finally:
        made.close()


def test_it_prunes_behind_the_wall_and_its_hook_gives_everything_back(release: Release) -> None:
    """Reader and writer as two processes: a plan is offered, carried out and watched; nothing is refused by rights or
    wall; floors are mirrored; ``helm test`` is content; the pre-delete hook restores all, beside the living agent."""
    children = [release.agent("reader"), release.agent("writer")]
    until("a plan is carried out", lambda: "" if release.done() else "no plan is Done", WITHIN)
    pruned = release.ward.counts()
    assert pruned["idle"] == release.before["idle"] - 1
    assert all(release.before[name] - pruned[name] in (0, 1) for name in pruned)

    until("everything is told", release.untold, WITHIN)

    code, said = release.hosted.finish("doctor", release.pod("Pod", f"{RELEASE}-doctor"))
    assert code == 0, said
    code, said = release.hosted.finish("restore", release.pod("Job", f"{RELEASE}-restore"))
    assert code == 0, said
    assert "the lock stays held" in said
    assert release.ward.counts() == release.before
    # The living writer may not prune again before Helm removes it, and says who keeps it from that.
    known = len(children[1].log.read_text(encoding="utf-8"))
    until("the writer skips its laps", partial(_unsaid, children[1], known, "helm uninstall by "), WITHIN)
    until("it skips another one", partial(_unsaid, children[1], known, "helm uninstall by ", 2), WITHIN)
    assert release.ward.counts() == release.before
    for child in children:
        assert child.process.poll() is None
        log = child.log.read_text(encoding="utf-8")
        assert not [line for line in log.splitlines() if any(word in line for word in REFUSED)]


def test_probes_and_metrics_answer(release: Release) -> None:
    """A container serves what its probes and the ServiceMonitor ask for, whether it leads or stands by."""
    pod = release.pod("Deployment", f"{RELEASE}-reader")
    (container,) = pod["containers"]
    address = f"127.0.0.1:{release.lab.processes.free_port()}"
    release.hosted.start("probed", pod, MICROGLIA_LISTEN=address)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        url = f"http://{address}{container[probe]['httpGet']['path']}"
        until(f"{url} says yes", partial(_not_well, url), WITHIN)
    assert "microglia_leader " in requests.get(f"http://{address}/metrics", timeout=10).text
    release.lab.processes.stop("probed")


def _unsaid(child: Child, known: int, words: str, times: int = 1) -> str:
    said = child.log.read_text(encoding="utf-8")[known:].count(words)
    return "" if said >= times else f"said {said} times"


def _not_well(url: str) -> str:
    try:
        answer = requests.get(url, timeout=5)
    except requests.RequestException as error:
        return str(error)
    return "" if answer.status_code == 200 else answer.text
