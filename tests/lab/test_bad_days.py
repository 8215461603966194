"""Bad days on real servers: each ends in UNKNOWN, in a refusal, or in an error that says what to do; none prunes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from microglia.world.schema import Accident
from tests.lab import Lab, Span
from tests.lab.person import Person, Said
from tests.lab.ward import DEPLOYMENTS, Ward

pytestmark = pytest.mark.timeout(300)

ALL = {"bad/idle", "bad/front", "bad/worker"}
"""What no test deletes or makes anew."""
PEAK = {"day": 4, "start": "13:00", "end": "14:00"}
"""The hour of the weekly peak of bad/worker."""


@pytest.fixture(scope="module")
def ward(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """The small mesh, with one healthy Prometheus; every test uses it as it finds it."""
    made = Ward(lab, tmp_path_factory.mktemp("ward"))
    try:
        yield made
    finally:
        made.close()


def test_on_a_good_day_everything_gives_one_replica(ward: Ward) -> None:
    """What the bad days are measured by: with whole metrics the plan takes from all of them, and the weekly peak
    counts."""
    plan = _plan(ward.good)
    assert _shrunk(plan) >= {"bad/front", "bad/worker", "bad/idle"}
    assert plan["targets"]["bad/worker"] == 6


@pytest.mark.parametrize(
    ("suffix", "answer"),
    [
        ("/prometheus", "answered 404 (404 page not found); the path is wrong: behind a prefix it belongs into"),
        ("/api/v1", "answered 404 (404 page not found); the path is wrong"),
    ],
)
def test_a_wrong_path_says_where_a_prefix_belongs(ward: Ward, suffix: str, answer: str) -> None:
    """The right server with a path that it does not serve."""
    url = f"{ward.good.prometheus}{suffix}"
    assert f"{url} {answer}" in _error(ward.good.at(prometheus=url))


def test_a_wrong_port_says_how_to_name_another(ward: Ward) -> None:
    """Nothing listens there: the address, and the option that names it."""
    url = f"http://127.0.0.1:{ward.lab.processes.free_port()}"
    said = _error(ward.good.at(prometheus=url))
    assert f"{url} does not answer" in said
    assert "Is the address right, and is it reachable from here? Set --prometheus" in said


def test_a_server_with_a_certificate_of_its_own_needs_its_ca(ward: Ward) -> None:
    """The API server's address in place of Prometheus': first its CA is asked for, then the credentials."""
    server, authority = _api_server(ward)
    stranger = ward.good.at(prometheus=server)
    assert "was not trusted" in (said := _error(stranger))
    assert "Name its CA with --prometheus-ca" in said
    said = _error(stranger, "--prometheus-ca", str(authority))
    assert f"{server} answered 40" in said
    assert "--prometheus-" in said.partition("answered")[2]


def test_an_empty_prometheus_is_asked_about(ward: Ward) -> None:
    """It answers and knows no mesh: what was looked for, and the option that names another."""
    said = _error(ward.somebody("empty", ward.empty("empty")))
    assert "has no series of any mesh that microglia knows (looked for istio_requests_total" in said
    assert "Is this the right Prometheus?" in said


def test_metrics_that_ended_hours_ago_prune_nothing(ward: Ward) -> None:
    """Scraping stopped two hours ago, and Prometheus goes on answering: 99 % of the window was heard, and yet nobody
    could watch what goes."""
    said = ward.day("late", until=timedelta(hours=2)).types("plan", "-o", "json")
    assert said.code == 3
    refusals = {one["gate"]: one["message"] for one in said.data[0]["refusals"]}
    assert "is Prometheus still scraping them?" in refusals["freshness"]


def test_retention_shorter_than_the_window_prunes_nothing(ward: Ward) -> None:
    """Two days of eight are there: nothing is idle and no need is known, and how much was heard is said."""
    short = ward.day("short", span=Span(retention="2d"), since=timedelta(days=2))
    plan = _plan(short)
    assert plan["changes"] == []
    missing = _undecided(plan)
    assert set(missing) >= ALL
    assert "its reporters were heard in 2" in missing["bad/idle"]
    assert "wait for a whole window" in missing["bad/idle"]
    assert "h of the week were never seen" in missing["bad/worker"]
    findings = {one["subject"]: one for one in short.types("doctor", "-o", "json").data}
    assert "retention 2d" in findings["Prometheus"]["found"]
    assert findings["Window"]["found"].startswith("8d asked, 1d ")
    assert findings["Window"]["grade"] == "limited"


def test_a_gap_on_the_weekly_peak_prunes_no_replica(ward: Ward) -> None:
    """Prometheus was down in the very hour of the peak, once in eight days: 99 % was seen, and it is not enough."""
    plan = _plan(ward.day("gap", [Accident.model_validate({"kind": "gap", **PEAK})]))
    assert _shrunk(plan) == set()
    missing = _undecided(plan)
    assert set(missing) >= ALL
    assert "1 h of the week were never seen" in missing["bad/worker"]
    assert "13:00 UTC" in missing["bad/worker"]


def test_a_target_that_was_not_whole_is_not_pruned(ward: Ward) -> None:
    """One workload was not scraped at its peak; of another only the agent answered, while ``up`` was 1. Both stay, and
    only they."""
    accidents = [
        Accident.model_validate({"kind": "gap", "target": "bad/worker", **PEAK}),
        Accident.model_validate({"kind": "envoy", "target": "bad/idle", "day": 3, "start": "06:00", "end": "12:00"}),
    ]
    plan = _plan(ward.day("targets", accidents))
    missing = _undecided(plan)
    assert _shrunk(plan) & {"bad/worker", "bad/idle"} == set()
    assert _shrunk(plan) >= {"bad/front"}
    assert "1 h of the week were never seen" in missing["bad/worker"]
    assert "its reporters were heard in 96." in missing["bad/idle"]
    hidden = {host for change in plan["changes"] for host in change.get("cut", ())}
    assert "idle.bad.svc.cluster.local" not in hidden


def test_a_query_that_is_too_much_leaves_its_hours_unknown(ward: Ward) -> None:
    """422 for every large query: the limit that Prometheus names and the flag that raises it are told."""
    plan = _plan(ward.day("few", span=Span(samples=2000), since=timedelta(days=1)))
    assert plan["changes"] == []
    assert "came from partial replies" in _undecided(plan)["bad/idle"]
    told = " ".join(plan["warnings"])
    assert "refused a query (422 execution: query processing would load too many samples into memory" in told
    assert "raise --query.max-samples" in told


def test_prometheus_gone_between_plan_and_apply(ward: Ward) -> None:
    """Without fresh facts nothing is written, and the journal holds no record."""
    person = ward.day("gone", since=timedelta(days=2))
    document = ward.good.state / "plans" / f"{ward.good.plans()}.json"
    before = ward.counts()
    ward.stop("gone")
    assert "does not answer" in _error(person, str(document), "--yes", command="apply")
    assert ward.counts() == before
    assert person.journal(ward.cluster) == ()


def test_what_was_deleted_since_is_named(ward: Ward) -> None:
    """A Deployment of the plan is gone: all of the plan waits."""
    plan = ward.good.plans()
    ward.delete("deleted")
    before = ward.counts()
    said = ward.good.types("apply", plan, "--yes")
    assert said.code == 3
    assert _refusals(said, "identity") == ["bad/deleted"]
    assert ward.counts() == before


def test_another_object_of_the_same_name_is_not_the_same(ward: Ward) -> None:
    """A Deployment of the plan was deleted and made anew, with the same fields and another uid."""
    plan = ward.good.plans()
    ward.remake("replaced")
    before = ward.counts()
    said = ward.good.types("apply", plan, "--yes")
    assert said.code == 3
    assert _refusals(said, "identity") == ["bad/replaced"]
    assert ward.counts() == before


def test_a_changed_template_is_a_changed_object(ward: Ward) -> None:
    """Somebody gave a Deployment of the plan more memory: the decision read less."""
    plan = ward.good.plans()
    container = {"name": "app", "resources": {"requests": {"memory": "256Mi"}}}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    ward.lab.api.patch(f"{DEPLOYMENTS}/touched", change, "application/strategic-merge-patch+json")
    ward.lab.wait_ready()
    said = ward.good.types("apply", plan, "--yes")
    assert said.code == 3
    assert "bad/touched" in _refusals(said, "moved")


def test_a_status_is_not_a_change(ward: Ward) -> None:
    """Controllers write statuses all the time: the plan is still true, and is applied and given back."""
    plan, before = ward.good.plans(), ward.counts()
    for name in ("front", "idle"):
        condition = {"type": "Example", "status": "True", "reason": "Seen", "message": "by a controller"}
        status = ward.deployment(name)["status"]
        body = {"status": {"conditions": [*status["conditions"], condition]}}
        ward.lab.api.patch(f"{DEPLOYMENTS}/{name}/status", body)
    said = ward.good.types("apply", plan, "--yes")
    assert said.code == 0, said.words
    assert ward.counts()["front"] == before["front"] - 1
    assert ward.good.types("restore", plan, "--yes").code == 0
    assert ward.counts() == before


def _plan(person: Person) -> dict[str, Any]:
    said = person.types("plan", "-o", "json")
    assert said.code in (0, 3), said.words
    found: dict[str, Any] = said.data[0]["plan"]
    return found


def _shrunk(plan: dict[str, Any]) -> set[str]:
    return {change["workload"] for change in plan["changes"] if change["kind"] == "scale"}


def _undecided(plan: dict[str, Any]) -> dict[str, str]:
    return {note["subject"]: note["why"] for note in plan["undecided"]}


def _error(person: Person, *options: str, command: str = "plan") -> str:
    said = person.types(command, *options)
    assert said.code == 1, said.words
    assert said.out == ""
    return said.words


def _refusals(said: Said, gate: str) -> list[str]:
    """What a gate objects to, as the table of refusals names it."""
    lines = [line.split() for line in said.out.splitlines()]
    start = next(number for number, words in enumerate(lines) if words[:2] == ["GATE", "ABOUT"])
    return [words[1].rstrip(",") for words in lines[start + 1 :] if words[:1] == [gate]]


def _api_server(ward: Ward) -> tuple[str, Path]:
    """Its URL, and a file with its CA."""
    cluster = json.loads(ward.lab.kubeconfig.read_text())["clusters"][0]["cluster"]
    file = ward.good.state / "api-server.pem"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return str(cluster["server"]), file
