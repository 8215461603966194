"""What cannot be seen, grouped by reason."""

import pytest

from microglia.model.kinds import BY_NAME, KINDS
from microglia.model.objects import BlindSpot
from microglia.protect.blind import COSTS
from microglia.report.look import Finding, doctor_text
from microglia.report.sight import GRANT, sight


def forbidden(name, user="ann"):
    """A kind that may not be listed, in the API server's words and ours."""
    kind = BY_NAME[name]
    said = (
        f'{kind.plural} is forbidden: User "{user}" cannot list resource "{kind.plural}" in API group "{kind.group}"'
        " at the cluster scope"
    )
    return BlindSpot(
        name, f"cannot list {kind.plural} (forbidden: {said}). Grant it: microglia doctor --rbac | kubectl apply -f -"
    )


def test_forbidden_kinds_are_one_finding_with_what_each_hides_and_one_remedy():
    """Thirteen kinds are one reason; kinds that hide the same share a line."""
    (found,) = sight([forbidden(name) for name in ("Node", "Lease", "PodDisruptionBudget", "PriorityClass", "Sidecar")])
    assert found == Finding(
        "Sight",
        '5 kinds could not be read (User "ann" may not list them). What that hides of a workload, which stays:\n'
        "Node: whether it survives the loss of a zone or node cannot be computed\n"
        "Lease, PodDisruptionBudget: how many copies people asked for is not known\n"
        "PriorityClass: nothing\n"
        "Sidecar: which Sidecars apply is not known",
        "limited",
        GRANT,
    )
    text = doctor_text((found,))
    assert text.count("kubectl apply") == 1
    assert text.splitlines()[0].endswith("limited")
    assert any(line.strip() == "Sidecar: which Sidecars apply is not known" for line in text.splitlines())


def test_other_reasons_stand_apart():
    """Another user, an authorizer with words of its own, and a list that failed are other reasons."""
    webhook = BlindSpot("Pod", "cannot list pods (forbidden: ask ops). Grant it: microglia doctor --rbac | kubectl ...")
    busy = BlindSpot("Job", "the list of jobs expired 3 times before its end (410); the API server is too busy")
    absent = BlindSpot("PodDisruptionBudget", "this API server does not serve them; update the cluster or grant it")
    found = sight([forbidden("Node"), forbidden("Node", "bob"), webhook, busy, absent])
    assert [one.found.partition("\n")[0].partition(" (")[2].partition(". What")[0] for one in found] == [
        'User "ann" may not list them)',
        'User "bob" may not list them)',
        "forbidden: ask ops)",
        "the list of jobs expired 3 times before its end (410); the API server is too busy)",
        "this API server does not serve them; update the cluster or grant it)",
    ]
    assert [one.remedy for one in found] == [GRANT, GRANT, GRANT, GRANT, ""]


def test_metrics_are_told_once_each_after_the_kinds():
    """They need no role; the same sentence twice says no more than once."""
    found = sight(
        [BlindSpot("metrics", "422"), forbidden("Node"), BlindSpot("metrics", "422"), BlindSpot("metrics", "x")]
    )
    assert [one.found for one in found[1:]] == ["metrics: 422", "metrics: x"]
    assert {one.remedy for one in found[1:]} == {""}


def test_nothing_hidden_is_in_order():
    """One line that says so; a kind nobody knows hides what a workload is."""
    assert sight([]) == (Finding("Sight", "everything could be read", "ok"),)
    assert sight([BlindSpot("Alien", "no")])[0].found.endswith(f"Alien: {COSTS['workloads']}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_hides(kind):
    """Or that nothing hangs on it."""
    assert kind.hides == "nothing" or kind.hides in COSTS
