"""policy validate, schema and rules."""

import json
from pathlib import Path

from microglia.protect.rules import RULES
from microglia.score.rules import RULES as RETENTION
from microglia.verify.gates import GATES

HEAD = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: team}\n"
SHIPPED = Path(__file__).parents[3] / "policies"


def test_the_policies_that_we_ship_are_valid(run):
    """People start from them."""
    ended = run("policy", "validate", SHIPPED)
    assert (ended.code, ended.err) == (0, "")
    assert "PruningPolicy default: valid\n" in ended.out
    assert "Protection payments/ledger-standby: valid\n" in ended.out


def test_what_will_not_do_what_it_looks_like_is_told(run, tmp_path):
    """A policy may be valid and still prune nothing, or name a rule that does not exist."""
    path = tmp_path / "team.yaml"
    spec = "spec:\n  observation: {window: 8d}\n  scope: {elements: [Replica], namespaces: {exclude: ['*']}}\n"
    path.write_text(f"{HEAD}{spec}", encoding="utf-8")
    ended = run("policy", "validate", path)
    assert ended.code == 0
    assert "PruningPolicy team: valid, but:\n  spec.observation.window 8d never holds" in ended.out
    assert "  spec.scope.namespaces.exclude takes back everything" in ended.out


def test_every_error_of_every_file_is_told_at_once(run, tmp_path):
    """File, line, column and field; exit code 2."""
    (tmp_path / "a.yaml").write_text(f"{HEAD}spec: {{budgett: {{}}}}\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text(f"{HEAD}spec: {{observation: {{window: 2 weeks}}}}\n", encoding="utf-8")
    ended = run("policy", "validate", tmp_path)
    assert ended.code == 2
    assert f'{tmp_path}/a.yaml:4:8  spec.budgett: unknown field; did you mean "budget"?' in ended.err
    assert '"2 weeks" is not a duration; write 14d, 2h or 90s' in ended.err
    assert "errors. Nothing else was read" in ended.err


def test_files_that_are_not_there_or_hold_nothing_are_usage_errors(run, tmp_path):
    """A missing file, and a folder without any."""
    missing = run("policy", "validate", tmp_path / "none.yaml")
    assert (missing.code, missing.err) == (2, f"{tmp_path}/none.yaml: cannot be read: No such file or directory\n")
    empty = run("policy", "validate", tmp_path)
    assert (empty.code, empty.err) == (2, f"{tmp_path}: no .yaml file in this folder\n")


def test_the_schema_is_for_editors(run):
    """A JSON schema with the names that people write."""
    found = json.loads(run("policy", "schema").out)
    assert found["properties"]["apiVersion"]
    assert found["title"] == "PruningPolicy"


def test_the_rules_are_listed_in_their_order(run):
    """Every protection rule, gate and retention rule with its meaning; or as data."""
    text = run("policy", "rules").out
    told = [line.split()[0] for line in text.splitlines() if line[2:3].strip()]
    expected = ["PROTECTION", *(rule.code for rule in RULES), "GATE", *(gate.code for gate in GATES), "RETENTION"]
    assert told[: len(expected)] == expected
    assert told[len(expected) :] == list(RETENTION)
    found = json.loads(run("policy", "rules", "-o", "json").out)
    assert [one["code"] for one in found["gate"]] == [gate.code for gate in GATES]
    assert "retention:" in run("policy", "rules", "-o", "yaml").out
