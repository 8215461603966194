"""Reading policy files: everything that is wrong is said at once, with its place and what to write."""

from pathlib import Path

import pytest

from microglia.policy.load import Loaded, Problem, combine, from_objects, parse
from microglia.policy.mirror import mirror, mirrored
from microglia.policy.schema import PruningPolicy

HEAD = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: team}\n"
POLICIES = Path(__file__).parents[3] / "policies"


def said(text: str | bytes) -> list[str]:
    return [str(error) for error in parse(text, "team.yaml").errors]


def spec(line: str) -> str:
    """The one complaint about a policy whose spec is ``line``."""
    (only,) = said(f"{HEAD}spec: {line}\n")
    return only


def test_the_default_file_says_exactly_what_the_code_defaults_to() -> None:
    """``policies/default.yaml`` is ``PruningPolicy()``, value for value."""
    loaded = parse((POLICIES / "default.yaml").read_bytes(), "default.yaml")
    assert loaded.errors == ()
    assert loaded.policies == (PruningPolicy(),)


@pytest.mark.parametrize("path", sorted(POLICIES.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_file_is_valid(path: Path) -> None:
    """What people start from has no mistake in it, and says something."""
    loaded = parse(path.read_bytes(), path.name)
    assert loaded.errors == ()
    assert len(loaded.policies) + len(loaded.protections) == 1


def test_all_errors_of_a_file_come_at_once_in_the_order_of_the_lines() -> None:
    """Schema errors of every document are reported together, each with line, column and dotted field."""
    text = (
        f"{HEAD}spec:\n  budget:\n    cpuu: {{spare: 20%}}\n  observation:\n    window: 2 weeks\n"
        "---\napiVersion: microglia.dev/v1alpha1\nkind: Protecton\n"
    )
    assert said(text) == [
        'team.yaml:6:5  spec.budget.cpuu: unknown field; did you mean "cpu"?',
        'team.yaml:8:13  spec.observation.window: "2 weeks" is not a duration; write 14d, 2h or 90s',
        'team.yaml:11:7  kind: "Protecton" is not read here; did you mean "Protection"?',
    ]
    assert parse(text, "team.yaml").policies == ()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{pace: {per_lap: {}}}", '4:15  spec.pace.per_lap: unknown field; did you mean "perLap"?'),
        ("{zzz: 1}", ("4:8  spec.zzz: unknown field; write scope, observation, retention, budget, prices, pace, "
         "protect, actuation, routes, guard or hardening")),
        ("{retention: {weak: {routes: {zzz: 1, below: 1/h}}}}",
         "4:36  spec.retention.weak.routes.zzz: unknown field; only below may stand here"),
        ("{retention: {rule: presents}}", ('4:26  spec.retention.rule: "presents" is not one of the choices; '
         'did you mean "presence"?')),
        ("{observation: {schedule: [{name: a, lasts: 1d}]}}", ("4:33  spec.observation.schedule[0]: write either cron "
         'or days, such as cron: "0 0 28 * *" or days: [2026-11-27]')),
        ("{observation: {schedule: [{name: a, lasts: 1d, days: [soon]}]}}", ("4:61 "
         ' spec.observation.schedule[0].days[0]: "soon" is not a date; write 2027-06-30')),
        ("{scope: }", "4:14  spec.scope: has no value; write one, or remove the line"),
        ("{scope: [a]}", "4:15  spec.scope: ['a'] is not a section; write {namespaces: ...}"),
        ("{pace: {rounds: 0}}", "4:23  spec.pace.rounds: 0 is too small; write at least 1"),
        ("{pace: {rounds: true}}", "4:23  spec.pace.rounds: true is not a number; write one"),
        ("{pace: {rounds: 2.5}}", "4:23  spec.pace.rounds: 2.5 is not a whole number; write one such as 2"),
        ('{pace: {rounds: "2"}}', '4:23  spec.pace.rounds: "2" is not a number; write one without quotes, such as 2'),
        ("{pace: {perLap: {share: 5%, atLeast: 9, atMost: 3}}}",
         "4:23  spec.pace.perLap: atMost 3 is less than atLeast 9; write atMost the larger"),
        ("{retention: {stretch: 1}}", "4:29  spec.retention.stretch: 1 is too small; write more than 1"),
        ("{retention: {stretch: 3}}", ("4:19  spec.retention: failureStretch 2.5 is less than stretch 3; after a "
         "failure a replica carries more, not less: write at least the same")),
        ("{retention: {survive: zone}}", '4:29  spec.retention.survive: "zone" is not a list; write [zone]'),
        ("{retention: {survive: []}}", "4:29  spec.retention.survive: is an empty list; write at least one entry"),
        ("{retention: {utilisation: 0%}}", ("4:33  spec.retention.utilisation: 0 switches it off, which this field "
         "does not allow; write more than 0%")),
        ("{observation: {coverage: 120%}}",
         "4:32  spec.observation.coverage: 120 % is more than all of it; write at most 100%"),
        ("{observation: {window: -3}}", '4:30  spec.observation.window: "-3" is not a duration; write 14d, 2h or 90s'),
        ("{observation: {window: 0d}}",
         "4:30  spec.observation.window: must be longer than nothing; write 14d, 2h or 90s"),
        ("{observation: {unseen: -1%}}", '4:30  spec.observation.unseen: "-1%" is not a share; write 20% or 0.2'),
        ("{budget: {cpu: {}}}",
         '4:22  spec.budget.cpu: write either spare or limit, such as {spare: 20%} or {limit: "200"}'),
        ("{budget: {cpu: {limit: -3}}}", ("4:30  spec.budget.cpu.limit: -3 is not an amount of zero or more; "
         "write 200, 500m or 40Gi")),
        ("{budget: {cpu: {limit: 3 cores}}}",
         '4:30  spec.budget.cpu.limit: "3 cores" is not a quantity; write 200, 500m or 40Gi'),
        ("{retention: {weak: {routes: {below: -1/h}}}}", ('4:43  spec.retention.weak.routes.below: "-1/h" is not an '
         "amount of zero or more; write 1/h or 0.5/s")),
        ("{scope: {namespaces: {include: [Shop]}}}", ('4:39  spec.scope.namespaces.include[0]: "Shop" matches no name '
         "that Kubernetes allows; write payments or team-*")),
        ("{scope: {namespaces: {include: [7]}}}",
         '4:39  spec.scope.namespaces.include[0]: 7 is not text; put it in quotes, such as "7"'),
        ("{scope: {selector: {matchLabels: [a]}}}",
         "4:40  spec.scope.selector.matchLabels: ['a'] is not a section; write {key: value}"),
        ("{pace: {freeze: [{cron: 0 18 * *, lasts: 2h}]}}", ('4:31  spec.pace.freeze[0].cron: "0 18 * *" is not five '
         'cron fields; write minute hour day month weekday, such as "0 18 * * 5"')),
        ("{pace: {freeze: [{cron: 0 0 1 1 *}]}}", "4:24  spec.pace.freeze[0].lasts: is missing; write it"),
        ("{protect: {always: [{kind: deployment, reason: x}]}}", ('4:34  spec.protect.always[0].kind: "deployment" is '
         'no kind that microglia reads; did you mean "Deployment"?')),
        ("{protect: {always: [{kind: Xyzzy, reason: x}]}}", ('4:34  spec.protect.always[0].kind: "Xyzzy" is no kind '
         "that microglia reads; write Deployment or Service")),
        ('{protect: {always: [{kind: Deployment, reason: ""}]}}',
         "4:54  spec.protect.always[0].reason: is empty; write some words"),
        ("{protect: {always: 3}}", "4:26  spec.protect.always: 3 is not a list; write [3]"),
        ("{protect: {always: {}}}", "4:26  spec.protect.always: {} is not a list; write [...]"),
        ('{retention: {criticality: [{weight: "1"}]}}', ('4:43  spec.retention.criticality[0].weight: "1" is not a '
         "number; write one without quotes, such as 2")),
        ("{retention: {criticality: [{weight: .inf}]}}", ("4:43  spec.retention.criticality[0].weight: inf is not a "
         "number; write one without quotes, such as 2")),
    ],
)  # fmt: skip
def test_every_mistake_says_what_to_write(line: str, complaint: str) -> None:
    """Unknown keys, wrong types, wrong units, negatives and nonsense are told apart, in words of the policy."""
    assert spec(line) == f"team.yaml:{complaint}"


@pytest.mark.parametrize(
    ("term", "complaint"),
    [
        ("{operator: In, values: [b]}", "key is missing; write {key: tier, operator: In, values: [web]}"),
        ("{key: a, operator: Inn, values: [b]}", '"Inn" is not an operator; write In, NotIn, Exists or DoesNotExist'),
        ("{key: a, operator: In}", "In takes at least one value; write values: [web]"),
        ("{key: a, operator: Exists, values: [b]}", "Exists takes no values"),
        ("{key: a, operator: In, values: b}", "values must be a list of texts; write values: [web]"),
        ("{key: a, operator: In, values: [1]}", "values must be a list of texts; write values: [web]"),
        ("{key: a, op: In}", 'unknown field "op"; write key, operator and values'),
    ],
)
def test_a_selector_is_checked_term_by_term(term: str, complaint: str) -> None:
    """A selector that the API server would refuse, or that would match nothing, is refused here."""
    found = spec(f"{{scope: {{selector: {{matchExpressions: [{term}]}}}}}}")
    assert found == f"team.yaml:4:46  spec.scope.selector.matchExpressions[0]: {complaint}"


def test_a_list_of_bad_entries_is_not_called_empty() -> None:
    """Only the entries are complained about, not the list that holds them."""
    assert len(said(f"{HEAD}spec: {{scope: {{namespaces: {{include: [7, 8]}}}}}}\n")) == 2


PROTECTION = "apiVersion: microglia.dev/v1alpha1\nkind: Protection\nmetadata: {name: p, namespace: ns}\nspec: "


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{targets: [], reason: x}", "4:17  spec.targets: is an empty list; write at least one entry"),
        ("{targets: [{kind: Service, name: a}], reason: x, until: someday}",
         '4:63  spec.until: "someday" is not a date; write 2027-06-30'),
        ("{targets: [{kind: Service, name: a}], reason: x, level: floor}",
         "4:7  spec: level floor says nothing without a number; write minReplicas (or backupFor)"),
        ("{targets: [{kind: Service, name: a}]}", "4:1  spec.reason: is missing; write it"),
    ],
)  # fmt: skip
def test_protections_are_checked_as_strictly(line: str, complaint: str) -> None:
    """A protection that would protect nothing is refused."""
    assert said(PROTECTION + line) == [f"team.yaml:{complaint}"]


def test_a_protection_needs_its_namespace() -> None:
    """A protection holds in one namespace, which must be written."""
    text = PROTECTION.replace(", namespace: ns", "") + "{targets: [{kind: Service, name: a}], reason: x}"
    assert said(text) == ["team.yaml:3:1  metadata.namespace: is missing; write it"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "team.yaml: empty; a policy begins with apiVersion: microglia.dev/v1alpha1"),
        (b"# nothing\n---\n", "team.yaml: empty; a policy begins with apiVersion: microglia.dev/v1alpha1"),
        (b"a: 1\nb: \xff\n", "team.yaml:2:4  not UTF-8; save the file as UTF-8"),
        (b"a: 1\na: 2\n", 'team.yaml:2:1  "a" is written twice in the same place; keep one'),
        (b"a: &x 1\nb: *x\n", "team.yaml:1:4  anchors (&x) are not allowed; write the value out where it is needed"),
        (b"a: *x\n", "team.yaml:1:4  aliases (*x) are not allowed; write the value out where it is needed"),
        (b"a: !!int 3\n", ("team.yaml:1:4  tags (tag:yaml.org,2002:int) are not allowed; write the value out where it "
         "is needed")),
        (b"? [a]\n: 1\n", "team.yaml:1:3  a key must be plain text"),
        (b"a: [1\n", "team.yaml:2:1  not YAML: expected ',' or ']', but got '<stream end>'"),
        (b"a: \x01\n", "team.yaml: not YAML: unacceptable character #x0001: special characters are not allowed"),
        (b"a: " + b"[" * 60, "team.yaml:1:43  nested deeper than any policy is"),
        (b"a: " + b"9" * 5000, "team.yaml:1:4  not a number that can be read"),
        (b"[1]\n", "team.yaml:1:1  not a policy; a policy begins with apiVersion: microglia.dev/v1alpha1"),
        (b"a: 1\n", "team.yaml:1:1  kind: is missing; write PruningPolicy or Protection"),
        (b"kind: Zebra\n", 'team.yaml:1:7  kind: "Zebra" is not read here; write PruningPolicy or Protection'),
        (b"kind: PruningPolicy\n",
         "team.yaml:1:1  apiVersion: is missing; write apiVersion: microglia.dev/v1alpha1"),
        (b"kind: PruningPolicy\napiVersion: v1\n", ('team.yaml:2:13  apiVersion: "v1" is not one of the choices; '
         "only microglia.dev/v1alpha1 may stand here")),
    ],
)  # fmt: skip
def test_what_is_no_policy_at_all_is_reported_alone(text: bytes, complaint: str) -> None:
    """Bad encoding, bad YAML, duplicate keys, anchors and empty files give one error, with its place."""
    assert said(text) == [complaint]


def test_a_byte_order_mark_and_empty_documents_do_no_harm() -> None:
    """What editors and generators leave behind is no mistake."""
    loaded = parse(b"\xef\xbb\xbf" + f"---\n---\n{HEAD}---\n".encode(), "f")
    assert [policy.metadata.name for policy in loaded.policies] == ["team"]


def test_several_documents_in_one_file_are_normal() -> None:
    """Policies and protections of one file are all read, and their places are remembered."""
    loaded = parse(HEAD + "---\n" + PROTECTION + "{targets: [{kind: Service, name: a}], reason: x}", "f.yaml")
    assert [policy.metadata.name for policy in loaded.policies] == ["team"]
    assert [protection.spec.reason for protection in loaded.protections] == ["x"]
    assert loaded.origins == {"PruningPolicy team": "f.yaml:1", "Protection ns/p": "f.yaml:5"}


def test_one_name_in_two_files_is_an_error_that_names_both() -> None:
    """Which of two policies of one name would hold is never guessed."""
    both = combine([parse(HEAD, "a.yaml"), parse(HEAD, "b.yaml")])
    assert both.errors == (
        Problem("b.yaml", 1, 1, "metadata.name",
                "PruningPolicy team is already defined in a.yaml:1; rename or remove one of them"),
    )  # fmt: skip
    assert len(both.policies) == 2


def test_objects_of_the_cluster_are_read_with_what_the_server_added() -> None:
    """Server-set metadata and status are no mistakes; everything else is checked as in files."""
    raw = {
        "apiVersion": "microglia.dev/v1alpha1",
        "kind": "PruningPolicy",
        "metadata": {"name": "team", "uid": "1", "resourceVersion": "2", "managedFields": []},
        "status": {"phase": "Pruning"},
    }
    assert from_objects([raw]).policies[0].metadata.name == "team"
    twice = from_objects([raw, raw]).errors
    assert [str(error) for error in twice] == [
        (
            "PruningPolicy team: metadata.name: PruningPolicy team is already defined in PruningPolicy team; rename or "
            "remove one of them"
        )
    ]
    (wrong,) = from_objects([{**raw, "spec": {"pace": {"rounds": -1}}}]).errors
    assert str(wrong) == "PruningPolicy team: spec.pace.rounds: -1 is too small; write at least 1"
    (shapeless,) = from_objects([{**raw, "metadata": "team"}]).errors
    assert shapeless.field == "metadata"


def test_nothing_at_all_is_nothing_loaded() -> None:
    """No source, no policy, no error."""
    assert combine([]) == Loaded()


def test_a_mirror_is_nobodys_wish() -> None:
    """An object that only remembers for a policy in a file is not read as a policy; a Protection of ours still is."""
    raw = {"apiVersion": "microglia.dev/v1alpha1", "kind": "PruningPolicy", "metadata": {"name": "team"}}
    ours = mirror(PruningPolicy())
    assert (mirrored(raw), mirrored(ours)) == (False, True)
    assert from_objects([ours]) == Loaded()
    assert len(from_objects([raw, ours]).policies) == 1


def test_a_mirror_that_somebody_wrote_over_is_theirs() -> None:
    """Applying keeps labels and notes of ours; the spec is what counts, as an API server keeps it."""
    ours = mirror(PruningPolicy())
    kept = {**ours, "spec": {**ours["spec"], "guard": {**ours["spec"]["guard"], "tolerance": 2.0}}}
    assert not mirrored(kept)
    assert len(from_objects([kept]).policies) == 1
    rounded = mirror(PruningPolicy.model_validate({"spec": {"retention": {"stretch": 2, "failureStretch": 3}}}))
    retention = {**rounded["spec"]["retention"], "stretch": 2, "failureStretch": 3, "weak": {}}
    assert mirrored({**rounded, "spec": {**rounded["spec"], "retention": retention}})


def test_too_long_a_list_says_how_long_it_may_be() -> None:
    """An API server would refuse it too."""
    peak = "{name: x, cron: '0 0 1 * *', lasts: 1d}"
    text = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: a}\nspec:\n  observation:\n"
    loaded = parse(f"{text}    schedule: [{', '.join([peak] * 51)}]\n", "a.yaml")
    (problem,) = loaded.errors
    assert (problem.field, problem.message) == ("spec.observation.schedule", "has 51 entries; write at most 50")
