"""Every mistake a person can make ends in one message that says what to do, and an exit code; never in a traceback."""

import zipfile

import pytest

from microglia.cli import metrics, wiring
from microglia.model.ports import UnreadableError

COMMANDS = (
    "doctor", "snapshot", "map", "plan", "explain", "replay", "apply", "restore", "reopen", "status", "demo", "policy",
    "policy validate", "policy schema", "policy rules",
)  # fmt: skip
KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{name: far, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: far, context: {cluster: far, user: me}}]
users: [{name: me, user: {}}]
current-context: far
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    """--help works everywhere, and -h too."""
    ended = run(*command.split(), "--help")
    assert (ended.code, "Usage:" in ended.out) == (0, True)
    assert run(*command.split(), "-h").out == ended.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pln",), "Did you mean 'plan'"),
        (("plan", "--snapshott", "x"), "--snapshot"),
        (("plan", "-o", "jsn"), "'table', 'json', 'yaml'"),
        (("explain",), "Missing argument"),
        (("demo", "--weeks", "40"), "26"),
    ],
)
def test_a_typo_is_a_usage_error_with_the_right_word(run, words, message):
    """Exit code 2, and the nearest thing that exists."""
    ended = run(*words)
    assert ended.code == 2
    assert message in ended.err


@pytest.mark.parametrize(
    "command", ["plan", "status", "restore", "map", "replay", "apply plan-1", "explain a/b", "reopen"]
)
def test_without_a_cluster_every_command_says_how_to_name_one(run, command):
    """No kubeconfig, no service account: failed, with the options that would help."""
    ended = run(*command.split())
    assert (ended.code, ended.out) == (1, "")
    assert "Name one with --context or KUBECONFIG" in ended.err


def test_the_doctor_examines_what_there_is(run):
    """Without a cluster it still says what is missing, as a finding, and fails."""
    ended = run("doctor")
    assert ended.code == 1
    assert "Cluster" in ended.out
    assert "missing" in ended.out
    assert "Name one with --context or KUBECONFIG" in run("doctor", "--metrics").err


def test_a_cluster_that_does_not_answer_is_named(run, tmp_path):
    """Which one, why, and what to try."""
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG, encoding="utf-8")
    ended = run("plan", "--kubeconfig", path)
    assert ended.code == 1
    assert "the API server of far does not answer" in ended.err
    assert "Expected object with name near" in run("plan", "--kubeconfig", path, "--context", "near").err


@pytest.mark.parametrize("option", ["--kubeconfig", "--prometheus-token-file", "--prometheus-ca", "--prometheus-cert"])
def test_a_file_that_is_not_there_is_named_with_its_option(run, option):
    """The source of the setting stands before the file."""
    ended = run("plan", option, "/nowhere/at/all")
    assert (ended.code, ended.err) == (2, f"{option}: /nowhere/at/all: there is no such file\n")


def test_a_wrong_setting_is_a_usage_error_everywhere(run, monkeypatch, home):
    """Also for doctor, and from the environment or the config file."""
    folder = home / "microglia"
    folder.mkdir()
    (folder / "config.yaml").write_text("prometheuss: x\n", encoding="utf-8")
    for command in ("plan", "doctor", "restore"):
        ended = run(command)
        assert (ended.code, "unknown setting 'prometheuss'" in ended.err) == (2, True)


def test_policy_files_are_read_before_the_cluster_is(run, tmp_path):
    """A typo in a policy does not wait for a cluster that is slow, or not there."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: x}\nspec: {budget: {cpuu: 1}}\n",
        encoding="utf-8",
    )
    ended = run("plan", "--policy", path)
    assert ended.code == 2
    assert f'{path}:4:17  spec.budget.cpuu: unknown field; did you mean "cpu"?' in ended.err
    assert "1 error. Nothing else was read, and nothing was changed." in ended.err


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_policy_file_is_an_error(run, recorded, tmp_path, text):
    """An empty file is not the default policy."""
    path = tmp_path / "empty.yaml"
    path.write_text(text, encoding="utf-8")
    ended = run("plan", "--policy", path, "--snapshot", recorded)
    assert (ended.code, "empty; a policy begins with apiVersion: microglia.dev/v1alpha1" in ended.err) == (2, True)


def test_a_snapshot_that_cannot_be_used_says_why(run, recorded, tmp_path):
    """Missing, cut off, no snapshot at all, or edited by hand."""
    missing, cut, text, edited = (tmp_path / name for name in ("missing", "cut", "text", "edited"))
    cut.write_bytes(recorded.read_bytes()[:300_000])
    text.write_text("hello", encoding="utf-8")
    with zipfile.ZipFile(recorded) as whole, zipfile.ZipFile(edited, "w") as copy:
        for name in whole.namelist():
            copy.writestr(name, whole.read(name).replace(b'"replicas":5', b'"replicas":6', 1))
    expected = {missing: "no such file", cut: "cut off", text: "no snapshot of microglia", edited: "was edited"}
    for path, message in expected.items():
        ended = run("plan", "--snapshot", path)
        assert (ended.code, ended.out) == (1, "")
        assert message in ended.err
        assert str(path) in ended.err


def test_a_plan_file_that_is_no_plan_says_so(run, recorded, tmp_path):
    """Neither text nor a snapshot is taken for one; an unknown id lists none."""
    path = tmp_path / "text.json"
    path.write_text("{}", encoding="utf-8")
    assert "is no plan" in run("replay", path, "--snapshot", recorded).err
    unknown = run("replay", "plan-x", "--snapshot", recorded)
    assert (unknown.code, "newest: none" in unknown.err) == (1, True)


def test_a_place_that_cannot_be_written_is_named(run, recorded):
    """Saving a plan where nothing can be saved is a failure with its path."""
    ended = run("plan", "--snapshot", recorded, "--save", "/dev/null/x.json")
    assert ended.code == 1
    assert "/dev/null/x.json: cannot be written" in ended.err


def test_a_cluster_that_goes_away_is_told(run, live, monkeypatch):
    """What the API server answers is the message."""

    def gone():
        raise UnreadableError("the API server of prod does not answer: refused. Try: kubectl version")

    monkeypatch.setattr(live.cluster, "facts", gone)
    ended = run("status")
    assert (ended.code, ended.err) == (1, "the API server of prod does not answer: refused. Try: kubectl version\n")


def test_a_broken_journal_is_told_before_anything_is_given_back(run, live, home):
    """Readable records are still of use; the broken file is named with its remedy."""
    run("plan")
    folder = home / "state" / live.cluster.facts().uid / "journal"
    folder.mkdir(parents=True)
    (folder / "plan-00000000.json").write_text("half a rec", encoding="utf-8")
    ended = run("restore")
    assert "plan-00000000.json" in ended.err
    assert ended.out.startswith("Nothing to undo")
    assert "limited" in run("doctor").out


def test_a_header_must_have_a_name_and_a_value(run, live, monkeypatch):
    """Tokens and tenants are written as headers are."""
    monkeypatch.setattr(wiring, "_traffic", lambda place: metrics.prometheus(place.settings, place.cluster))
    ended = run("plan", "--prometheus", "http://localhost:9", "--prometheus-header", "X-Scope-OrgID")
    assert (ended.code, ended.err) == (2, "--prometheus-header 'X-Scope-OrgID': write 'Name: value'\n")
