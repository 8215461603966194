"""The doctor: clocks, retention, sight and coverage have their own sentences; roles are printed without a cluster."""

import json
from dataclasses import replace

import pytest
from ruamel.yaml import YAML

from microglia.cli import diagnosis
from microglia.cli.options import Where
from microglia.model.kinds import BY_NAME
from microglia.model.ports import UnreadableError
from tests.unit.report.answers import flat


@pytest.fixture
def told(run, live, monkeypatch):
    """The doctor's findings by subject, where Prometheus and the API server say this of themselves."""

    def look(server_ahead=None, **source):
        facts, describe = live.cluster.facts, live.traffic.describe
        monkeypatch.setattr(live.cluster, "facts", lambda: replace(facts(), ahead=server_ahead))
        monkeypatch.setattr(live.traffic, "describe", lambda facts, now: replace(describe(facts, now), **source))
        found = {}
        for one in json.loads(run("doctor", "-o", "json").out):
            found.setdefault(one["subject"], []).append(one)
        return found

    return look


def test_clocks_that_agree_are_one_line(told):
    """Each that was compared is named."""
    (found,) = told(0.4, ahead=0.0)["Clocks"]
    assert (found["found"], found["grade"]) == (
        "Prometheus, the API server and this machine agree within a minute",
        "ok",
    )
    (alone,) = told(None, ahead=0.0)["Clocks"]
    assert alone["found"] == "Prometheus and this machine agree within a minute"


def test_clocks_that_nobody_told_are_said_to_be_unknown(told):
    """No date is no agreement."""
    assert told()["Clocks"][0]["found"] == "nobody dated a reply, so they were not compared"


def test_clocks_that_differ_are_findings_with_evidence_and_the_way_out(told):
    """One for each, and not a second time under Sight."""
    found = told(-600.0, ahead=7200.0, prometheus="prom")
    metrics, server = found["Clocks"]
    assert metrics["found"] == (
        "the clock of prom is 2h ahead of this machine's clock: what it saw last is not looked at"
    )
    assert server["found"] == (
        "the clock of the API server is 10m behind this machine's clock: its objects are dated before they were made"
    )
    assert {one["remedy"] for one in found["Clocks"]} == {"Synchronise both (NTP)."}
    assert {one["grade"] for one in found["Clocks"]} == {"limited"}
    assert [one["found"] for one in found["Sight"]] == ["everything could be read"]


def test_a_retention_shorter_than_the_window_is_a_finding(told):
    """What is kept, what is asked for, what that hides, and both ways out; nothing is said where it is long enough."""
    found = told(retention="2d", prometheus="prom")
    (one,) = found["Retention"]
    assert one["found"] == (
        "prom keeps metrics for 2d (its retention) and the window asks for 14d, so the first 12d are never seen"
    )
    assert one["remedy"] == "Raise its --storage.tsdb.retention.time, or shorten spec.observation.window."
    assert [one["found"] for one in found["Sight"]] == ["everything could be read"]


def test_a_retention_that_holds_the_window_is_no_finding(told):
    """It stands in the line of Prometheus; a version that nobody told is said to be unknown."""
    found = told(retention="15d", prometheus_version="", prometheus="prom")
    assert "Retention" not in found
    assert found["Prometheus"][0]["found"].startswith("prom, version unknown, retention 15d")


def test_coverage_is_that_of_workloads_with_a_sidecar(told, live):
    """What has none is counted apart and lowers nothing; only the source that is heard has a coverage."""
    found = told()
    assert "sidecars in 12 of 13 workloads; 1 has none, and no traffic that could be seen" in found["Mesh"][0]["found"]
    assert found["  istio"][0]["found"].endswith("coverage 100 % of 336 h in 12 workloads")
    assert "coverage" not in found["  cadvisor"][0]["found"]


def test_forbidden_kinds_are_one_finding_with_one_remedy(run, live, monkeypatch):
    """The view role hides a dozen kinds: one reason, one way out, on a screen that can be read."""
    hidden = {"Node", "Lease", "PriorityClass", "Sidecar", "DestinationRule"}
    objects = live.cluster.objects

    def listed(kind):
        if kind.name in hidden:
            who = f'{kind.plural} is forbidden: User "ann" cannot list resource "{kind.plural}" in API group ""'
            raise UnreadableError(
                f"cannot list {kind.plural} (forbidden: {who}). Grant it: microglia doctor --rbac | x"
            )
        return objects(kind)

    # What reads the cluster reaches it through the wiring's own face.
    monkeypatch.setattr(live.cluster, "objects", listed)
    ended = run("doctor")
    assert ended.code == 0
    assert '5 kinds could not be read (User "ann" may not list them).' in flat(ended.out)
    assert "Node: whether it survives the loss of a zone or node cannot be computed" in flat(ended.out)
    assert ended.out.count("--rbac") == 1
    assert BY_NAME["Node"].hides == "zones"


def test_settings_are_shown_as_people_write_them_and_without_secrets(run, live, tmp_path):
    """Several values are a list of words; of headers only the names."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: default}\n", encoding="utf-8"
    )
    words = ("--policy", path, "--prometheus-header", "Authorization: Bearer s3cret", "--prometheus-header", "X-Org: a")
    out = flat(run("doctor", *words).out)
    assert "prometheus_header = Authorization, X-Org (--prometheus-header)" in out
    assert f"policy = {path} (--policy)" in out
    assert "s3cret" not in out
    assert "['" not in out


def test_reading_and_acting_are_granted_apart(run, monkeypatch):
    """--rbac never prints a verb that writes; --rbac-act names the namespace of the Lease, by flag or setting."""
    reading = list(YAML(typ="safe").load_all(run("doctor", "--rbac").out))
    assert [one["metadata"]["name"] for one in reading] == ["microglia-rehearsal"]
    verbs = {verb for rule in reading[0]["rules"] if rule["resources"] != ["services/proxy"] for verb in rule["verbs"]}
    assert verbs == {"get", "list"}
    acting = list(YAML(typ="safe").load_all(run("doctor", "--rbac-act", "--lease-namespace", "ops").out))
    assert [(one["kind"], one["metadata"]) for one in acting] == [
        ("ClusterRole", {"name": "microglia-act"}),
        ("Role", {"name": "microglia-act-lock", "namespace": "ops"}),
    ]
    monkeypatch.setenv("MICROGLIA_LEASE_NAMESPACE", "from-environment")
    both = list(YAML(typ="safe").load_all(run("doctor", "--rbac", "--rbac-act").out))
    assert [one["metadata"]["name"] for one in both] == ["microglia-rehearsal", "microglia-act", "microglia-act-lock"]
    assert both[2]["metadata"]["namespace"] == "from-environment"


def test_wrong_settings_are_told_before_a_role_is_printed(run, monkeypatch):
    """As everywhere: exit code 2."""
    monkeypatch.setenv("MICROGLIA_PROMETHEUS", "nowhere")
    assert run("doctor", "--rbac-act").code == 2


def test_metric_names_are_those_of_the_named_server(live, monkeypatch):
    """Whatever else is printed, nothing is changed on the way."""
    monkeypatch.setattr(diagnosis, "names_of_metrics", lambda server, now: [server.title])
    assert diagnosis.metric_names(Where(prometheus="http://metrics:9090")) == ["http://metrics:9090"]


def test_a_reference_to_nothing_is_a_finding(run, live):
    """The doctor reads what people wrote for worse days, and says where it leads nowhere."""
    assert not [one for one in json.loads(run("doctor", "-o", "json").out) if one["subject"] == "Protected"]
    spec = {"defaultBackend": {"service": {"name": "no-such-page"}}}
    front = {"kind": "Ingress", "metadata": {"name": "front", "namespace": "default"}, "spec": spec}
    live.cluster.create(BY_NAME["Ingress"], front)
    (found,) = [one for one in json.loads(run("doctor", "-o", "json").out) if one["subject"] == "Protected"]
    where = "Ingress default/front: spec.defaultBackend.service.name = no-such-page"
    assert found["found"] == f"1 protection of nothing:\n{where}; what it names does not exist"
    assert found["grade"] == "limited"


@pytest.mark.parametrize(
    ("flavour", "words", "grade"),
    [
        ("thanos", "Thanos, known by the settings; asked with partial_response=false, dedup=true", "ok"),
        ("unknown", "known by the settings; asked with no parameters of its own", "limited"),
    ],
)
def test_the_backend_is_named_with_how_it_is_known(run, live, flavour, words, grade):
    """What answers, from where that is known, and what it is asked with; an unknown one limits what can be believed."""
    found = json.loads(run("doctor", "-o", "json", "--prometheus", "http://m:9090", "--flavour", flavour).out)
    (line,) = [one for one in found if one["subject"] == "Backend"]
    assert words in line["found"]
    assert line["grade"] == grade
    assert ("--flavour" in line["remedy"]) == (grade == "limited")
