"""plan, explain, replay, map, doctor and snapshot: they show, and change nothing."""

import json

import pytest
from ruamel.yaml import YAML

from microglia.cli.deciding import meant
from microglia.cli.errors import MistakeError
from microglia.model.ids import WorkloadId
from microglia.model.kinds import BY_NAME
from microglia.observe.recorded import load
from microglia.store.plans import read

HEAD = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: default}\n"


def test_a_plan_is_shown_and_kept_under_its_id(run, live, home):
    """The document lies in the state folder, where apply finds it; the cluster is untouched."""
    ended = run("plan")
    assert ended.code == 0
    assert ended.out.startswith(
        "Round 1 of 5 · window 14d · rule requests-at-risk · policy: default (built in; none given)"
    )
    kept = [path.stem for path in (home / "state" / "plans").iterdir()]
    assert f"microglia apply {kept[0]}" in ended.out
    assert live.cluster.writes == 0


def test_a_snapshot_file_stands_for_the_cluster(run, recorded, home):
    """The same decision from a file, with nothing kept and nothing to apply."""
    ended = run("plan", "--snapshot", recorded)
    assert (ended.code, ended.err) == (0, "")
    assert "boutique/adservice     5   4" in ended.out
    assert "A plan from a snapshot file can be shown, not applied." in ended.out
    assert not (home / "state").exists()


def test_pending_changes_have_an_exit_code_of_their_own(run, recorded):
    """For scripts that must not go on while something is to be pruned."""
    assert run("plan", "--snapshot", recorded, "--exit-code").code == 4
    assert run("plan", "--snapshot", recorded).code == 0


def test_a_plan_as_data_carries_its_id_and_the_whole_document(run, recorded):
    """JSON and YAML hold the same; nothing else is on stdout."""
    as_json = json.loads(run("plan", "--snapshot", recorded, "-o", "json").out)
    as_yaml = YAML(typ="safe").load(run("plan", "--snapshot", recorded, "-o", "yaml").out)
    assert as_json == as_yaml
    assert as_json[0]["cleared"] is True
    assert as_json[0]["plan"]["changes"][0]["workload"] == "boutique/adservice"


def test_a_saved_plan_can_be_replayed_from_its_file(run, recorded, tmp_path):
    """--save exports a sealed document that every command takes for a plan."""
    path = tmp_path / "plan.json"
    assert run("plan", "--snapshot", recorded, "--save", path).code == 0
    assert read(path).changes[0].workload == "boutique/adservice"
    ended = run("replay", path, "--snapshot", recorded)
    assert (ended.code, "Replay of 14d on the pruned mesh: 0 of" in ended.out) == (0, True)
    found = json.loads(run("replay", path, "--snapshot", recorded, "-o", "json").out)
    assert (found[0]["unrouted"], found[0]["worse"]) == (0.0, 0)
    assert "worse: 0" in run("replay", "--snapshot", recorded, "-o", "yaml").out


def test_two_policies_make_two_plans_and_one_file_holds_one(run, recorded, tmp_path):
    """Each structure has its screen; --save asks for one policy."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in ("left", "right"):
        text = f"apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {{name: {name}}}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    ended = run("plan", "--snapshot", recorded, "--policy", folder)
    assert f"policy: left ({folder})" in ended.out
    assert f"policy: right ({folder})" in ended.out
    both = run("plan", "--snapshot", recorded, "--policy", folder, "--save", tmp_path / "x.json")
    assert (both.code, "these policies make one each: left, right" in both.err) == (2, True)
    assert run("explain", "boutique/frontend", "--snapshot", recorded, "--policy", folder).code == 0


def test_explain_shows_the_arithmetic_of_one_workload(run, recorded):
    """Evidence, need, steps and the next one; or the same as data."""
    ended = run("explain", "boutique/adservice", "--snapshot", recorded)
    assert ended.code == 0
    for label in ("Evidence", "Demand", "Capacity", "Need", "At risk", "Step", "Cost", "Floors", "Target", "This lap"):
        assert f"\n{label}" in ended.out
    assert "5 -> 4; adservice-" in ended.out
    assert "plan-" not in ended.out
    found = json.loads(run("explain", "boutique/adservice", "--snapshot", recorded, "-o", "json").out)
    assert (found["target"], found["score"]["need"], found["changes"][0]["after"]) == (2, 2, 4)
    assert "target: 2" in run("explain", "boutique/adservice", "--snapshot", recorded, "-o", "yaml").out


def test_who_owns_counts_is_told(run, live):
    """Counts that Argo CD, an autoscaler or others own are counted by owner."""

    def own(raw):
        annotations = raw["metadata"].setdefault("annotations", {})
        annotations["argocd.argoproj.io/tracking-id"] = "shop:apps/Deployment:boutique/adservice"

    live.cluster.edit(BY_NAME["Deployment"], "boutique", "adservice", own)
    assert "counts owned by others: argocd 1 (propose)" in run("doctor").out


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("boutique/fronted", 1, "no workload boutique/fronted in this cluster; did you mean boutique/frontend"),
        ("shop/xyzzy", 1, "see them all with: microglia map --all"),
        ("frontent", 1, "no workload frontent in this cluster; did you mean boutique/frontend?"),
    ],
)
def test_a_misspelt_workload_is_answered_with_a_guess(run, recorded, name, code, message):
    """Names are hard to type; the nearest ones are offered."""
    ended = run("explain", name, "--snapshot", recorded)
    assert ended.code == code
    assert message in ended.err


def test_a_name_alone_is_enough_where_only_one_has_it(run, recorded):
    """What several have is asked back."""
    assert run("explain", "adservice", "--snapshot", recorded).out.startswith("boutique/adservice, Deployment")
    assert run("explain", "redis-cart", "--snapshot", recorded).out.startswith("StatefulSet/boutique/redis-cart")
    known = [WorkloadId("shop", "web"), WorkloadId("dr", "web"), WorkloadId("dr", "db", "StatefulSet")]
    assert meant("Deployment/dr/web", known) == known[1]
    with pytest.raises(MistakeError, match="web may be dr/web or shop/web; write which"):
        meant("web", known)


def test_the_map_shows_calls_or_protections(run, recorded):
    """Both as a table and as data."""
    shown = run("map", "--snapshot", recorded, "--all").out
    assert "boutique/frontend" in shown
    assert "The window: 14 of 14 days seen; the busiest hour of the week, " in shown
    assert "minimum-policy" in run("map", "--snapshot", recorded, "--protected").out
    found = json.loads(run("map", "--snapshot", recorded, "-o", "json").out)
    assert found[0]["boutique/frontend"]["replicas"] == 5
    assert "workloads:" in run("map", "--snapshot", recorded, "--protected", "-o", "yaml").out


def test_the_doctor_finds_everything_or_says_what_is_missing(run, live):
    """Each line graded; a missing source is a failure."""
    ended = run("doctor")
    assert ended.code == 0
    for subject in ("Settings", "Cluster", "Prometheus", "Mesh", "Sight", "Window", "Owners", "Policy", "Journal"):
        assert f"\n{subject}" in f"\n{ended.out}"
    live.traffic.down = "Prometheus at http://x answered 503"
    down = run("doctor")
    assert (down.code, "Prometheus at http://x answered 503" in down.out) == (1, True)
    live.traffic.down = ""
    live.cluster.forbidden = frozenset({"Node"})
    blind = run("doctor")
    assert "microglia doctor --rbac | kubectl apply -f -" in blind.out
    assert json.loads(run("doctor", "-o", "json").out)[0]["subject"] == "Settings"
    assert "subject: Settings" in run("doctor", "-o", "yaml").out


def test_the_doctor_reads_a_snapshot_too(run, recorded):
    """A bug report can be examined where there is no cluster."""
    ended = run("doctor", "--snapshot", recorded)
    assert ended.code == 0
    assert "taken 22 Sep 2026 01:00 UTC" in ended.out
    assert "world boutique (v1.36.3), 13 workloads" in ended.out


def test_the_doctor_prints_the_role_that_a_rehearsal_needs(run):
    """No cluster is needed to ask for permissions."""
    ended = run("doctor", "--rbac")
    assert YAML(typ="safe").load(ended.out)["kind"] == "ClusterRole"


def test_too_little_history_is_told_with_a_date(run, live, tmp_path):
    """A window that is not full yet says when it will be."""
    path = tmp_path / "long.yaml"
    path.write_text(f"{HEAD}spec: {{observation: {{cycles: {{length: 28d}}}}}}\n", encoding="utf-8")
    ended = run("doctor", "--policy", path)
    assert "ready to prune on" in ended.out
    assert "Until then plans are refused." in ended.out


def test_a_snapshot_is_written_and_can_be_redacted(run, live, tmp_path):
    """Names are hashed on demand; the file tells what it holds."""
    plain, hashed = tmp_path / "plain.snap", tmp_path / "hashed.snap"
    ended = run("snapshot", plain)
    assert (ended.code, ended.out) == (0, "")
    assert f"{plain}: " in ended.err
    assert run("snapshot", hashed, "--redact").code == 0
    assert any("adservice" in str(raw) for raw in load(plain).objects.of("Deployment"))
    assert not any("adservice" in str(raw) for raw in load(hashed).objects.of("Deployment"))


def test_policies_of_the_cluster_are_in_force_live_and_from_its_snapshot(run, live, tmp_path):
    """What people applied counts, unless files are given; a snapshot carries it along."""
    body = {"apiVersion": "microglia.dev/v1alpha1", "kind": "PruningPolicy", "metadata": {"name": "ours"}, "spec": {}}
    live.cluster.create(BY_NAME["PruningPolicy"], body)
    assert "policy: ours (the cluster's PruningPolicy objects)" in run("plan").out
    assert run("snapshot", tmp_path / "x.snap").code == 0
    assert "policy: ours (the cluster's PruningPolicy objects)" in run("plan", "--snapshot", tmp_path / "x.snap").out
    wrong = {**body, "metadata": {"name": "wrong"}, "spec": {"budgett": {}}}
    live.cluster.create(BY_NAME["PruningPolicy"], wrong)
    ended = run("plan")
    assert (ended.code, 'did you mean "budget"?' in ended.err) == (0, True)
    assert "nobody prunes in its scope until it is put right" in ended.err
    assert "policies ours and wrong claim" in ended.err
    assert "Nothing to change in this lap." in ended.out
    read = live.cluster.read(BY_NAME["PruningPolicy"], "", "ours")
    live.cluster.delete(BY_NAME["PruningPolicy"], read)
    ended = run("plan")
    assert (ended.code, 'did you mean "budget"?' in ended.err) == (2, True)


def test_protections_from_files_count_beside_the_built_in_policy(run, live, recorded, tmp_path):
    """A file that holds only a Protection leaves the policy as it was, and keeps what it names."""
    path = tmp_path / "keep.yaml"
    path.write_text(
        "apiVersion: microglia.dev/v1alpha1\nkind: Protection\nmetadata: {name: ads, namespace: boutique}\n"
        "spec:\n  reason: campaign on Friday\n  targets: [{kind: Deployment, name: adservice}]\n",
        encoding="utf-8",
    )
    for words in (("--policy", path), ("--policy", path, "--snapshot", recorded)):
        ended = run("map", "--protected", *words)
        assert "campaign on Friday" in ended.out, ended.err
        assert "policy: default (built in; none given)" in run("plan", *words).out
