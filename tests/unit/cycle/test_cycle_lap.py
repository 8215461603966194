"""One lap, in order: what it writes, what it remembers, and what it does when the world is not as it was."""

from datetime import timedelta

import pytest

from microglia import cycle
from microglia.cycle import Case, lap
from microglia.lifecycle.states import Phase
from microglia.model.kinds import BY_NAME
from microglia.model.ports import ForbiddenError, UnreadableError
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import PruningPolicy
from microglia.undo import give_back
from microglia.verify.clear import Cleared, Refusal, Refused, winnow

ORDER = ["observe", "judge", "score", "protect", "compete", "lifecycle", "plan", "verify"]
TRACKED = "argocd.argoproj.io/tracking-id"


def scales(done):
    """What a lap planned for counts."""
    return {one.id.name: (one.before, one.after) for one in done.rehearsal.plan.changes if one.kind == "scale"}


def test_the_steps_follow_one_another_in_this_order(stage):
    """Each line of the table of contents is timed under its name, in the order in which it ran."""
    assert list(stage.rehearse().seconds) == ORDER


def test_a_rehearsal_writes_nothing(stage):
    """Neither to the cluster nor to the journal, and twice the same."""
    first = stage.rehearse()
    assert isinstance(first.checked, Cleared)
    assert first.plan.changes
    assert stage.cluster.writes == 0
    assert stage.journal.history("default").state is None
    assert stage.journal.records() == ()
    assert stage.rehearse().plan.id == first.plan.id


def test_a_lap_does_what_its_rehearsal_said(stage):
    """The same plan, carried out: counts are what it says, the receipt says so, and the phase is remembered."""
    said = stage.rehearse().plan
    before = stage.counts()
    done = stage.lap()
    assert done.rehearsal.plan.id == said.id
    assert [step.state for step in done.record.steps] == ["done"] * len(said.changes)
    after = stage.counts()
    changed = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    assert changed == scales(done)
    assert len(changed) > 1
    assert stage.journal.history("default").state.phase is Phase.PRUNING
    assert [record.id for record in stage.journal.records()] == [said.id]


def test_the_next_lap_leaves_alone_what_is_under_watch(stage):
    """What was touched a moment ago is judged Wait, and takes no further step."""
    first = stage.lap()
    second = stage.lap()
    assert {verdict.verdict for verdict in second.rehearsal.verdicts} == {"Wait"}
    assert not set(scales(first)) & set(scales(second))
    assert stage.journal.records()[0].judgements


def test_giving_back_restores_every_count(stage):
    """From the journal and the objects alone: metrics may be down; and only once."""
    before = stage.counts()
    stage.lap()
    stage.cluster.advance(stage.cluster.now + timedelta(minutes=1))
    stage.traffic.down = "gone"
    given = give_back(stage.journal.records(), stage.world, stage.conduct)
    assert given.whole
    assert stage.counts() == before
    restored = {record.plan.purpose: bool(record.restored_by) for record in stage.journal.records()}
    assert restored == {"prune": True, "restore": False}
    again = give_back(stage.journal.records()[:1], stage.world, stage.conduct)
    assert (again.record, again.whole) == (None, True)


def test_what_cannot_be_given_back_is_left_out_and_told(stage):
    """An object that somebody else owns by now holds up no other; the plan is not called restored."""
    before = stage.counts()
    stage.lap()

    def own(raw):
        raw["metadata"].setdefault("annotations", {})[TRACKED] = "shop:apps/Deployment:boutique/adservice"

    stage.cluster.edit(BY_NAME["Deployment"], "boutique", "adservice", own)
    given = give_back(stage.journal.records(), stage.world, stage.conduct)
    assert not given.whole
    assert [note.subject for note in given.left] == ["boutique/adservice"]
    after = stage.counts()
    assert {name for name in before if before[name] != after[name]} == {"adservice"}
    assert stage.journal.records()[0].restored_by == ()


def test_a_restore_that_is_refused_as_a_whole_gives_nothing_back_and_says_so(stage, monkeypatch):
    """A journal of another cluster, say: nothing is written, and the plan stays restorable."""
    stage.lap()
    writes = stage.cluster.writes
    facts = stage.cluster.facts()
    monkeypatch.setattr(stage.cluster, "facts", lambda: type(facts)("another", facts.name, facts.version))
    given = give_back(stage.journal.records(), stage.world, stage.conduct)
    assert (given.whole, given.record, given.left[0].what) == (False, None, "refused by gate cluster")
    assert stage.cluster.writes == writes
    assert stage.journal.records()[0].restored_by == ()


def test_a_refused_plan_writes_nothing(stage):
    """One week is not enough history: every gate's no is kept, the phase is remembered, nothing is scaled."""
    stage.policy = PruningPolicy.model_validate(
        {"metadata": {"name": "default"}, "spec": {"observation": {"window": "14d", "cycles": {"atLeast": 3}}}}
    )
    done = stage.lap()
    assert isinstance(done.rehearsal.checked, Refused)
    assert "weekly-cycle" in {refusal.gate for refusal in done.rehearsal.checked.refusals}
    assert done.record is None
    assert stage.cluster.writes == 0
    assert stage.journal.history("default").state is not None


def test_protections_from_files_count(stage):
    """What a person wrote in a file is kept, as if it lay in the cluster."""
    spec = {"targets": [{"kind": "Deployment", "name": "adservice"}], "reason": "campaign on Friday"}
    keep = ProtectionObject.model_validate({"metadata": {"name": "ads", "namespace": "boutique"}, "spec": spec})
    assert "boutique/adservice" in {change.workload for change in stage.rehearse().plan.changes}
    kept = stage.rehearse(keep)
    assert "boutique/adservice" not in {change.workload for change in kept.plan.changes}
    assert "campaign on Friday" in " ".join(note.why for note in kept.plan.spared)


def test_slow_requests_are_asked_for_what_is_under_watch(stage):
    """Not before anything was done, and then for what was touched and its neighbours, above the bound; a policy
    that does not watch latency asks for nothing."""
    asked, real = [], stage.traffic.slowness

    def slowness(workloads, window, now, above):
        asked.append((workloads, above))
        return real(workloads, window, now, above)

    stage.traffic.slowness = slowness
    touched = {f"boutique/{name}" for name in scales(stage.lap())}
    assert not asked
    stage.lap()
    workloads, above = asked[0]
    assert touched < set(workloads)
    assert above == 500
    asked.clear()
    guard = stage.policy.spec.guard.model_copy(update={"signals": ("errors",)})
    spec = stage.policy.spec.model_copy(update={"guard": guard})
    stage.policy = stage.policy.model_copy(update={"spec": spec})
    stage.lap()
    assert not asked


def test_without_prometheus_there_is_no_plan(stage):
    """Silence of the metrics server is an error, never an idle world."""
    stage.traffic.down = "Prometheus at http://x does not answer"
    with pytest.raises(UnreadableError, match="does not answer"):
        stage.lap()
    assert stage.cluster.writes == 0
    assert stage.journal.history("default").state is None


def test_a_world_that_moves_before_a_write_stops_the_plan_there(stage):
    """Somebody scales the second workload meanwhile: a surprise; what was done stays recorded, the rest is skipped."""
    second = stage.rehearse().plan.changes[1].id.name
    moved = []

    def meddle(number, what):
        if what.startswith("annotate") and second in what and not moved:
            moved.append(what)
            stage.cluster.edit(BY_NAME["Deployment"], "boutique", second, lambda raw: raw["spec"].update(replicas=9))

    stage.cluster.before_write = meddle
    done = stage.lap()
    assert moved
    states = [step.state for step in done.record.steps]
    assert states == ["done", "surprise", *["skipped"] * (len(states) - 2)]
    assert [step.state for step in stage.journal.records()[0].steps] == states
    assert stage.counts()[second] == 9


def test_a_change_between_look_and_check_is_refused(stage, monkeypatch):
    """The world is looked at twice: a count that changed in between is not the one that was decided on."""
    looked = []
    real = cycle.look

    def seen(*words):
        found = real(*words)
        if not looked:
            kind = BY_NAME["Deployment"]
            stage.cluster.edit(kind, "boutique", "adservice", lambda raw: raw["spec"].update(replicas=7))
        looked.append(found)
        return found

    monkeypatch.setattr(cycle, "look", seen)
    done = stage.lap()
    assert len(looked) == 2
    assert "adservice" not in scales(done)
    held = [note for note in done.rehearsal.plan.held if note.subject == "boutique/adservice" and "gate" in note.why]
    assert "it has 7 replicas, the plan saw 5" in held[0].why


def _annotated(**marks):
    return lambda raw: raw["metadata"]["annotations"].update({key.replace("__", "/"): marks[key] for key in marks})


@pytest.mark.parametrize(
    ("edit", "moved"),
    [
        (lambda raw: raw["status"].update(collisionCount=1), False),
        (_annotated(example__build="7"), False),
        (_annotated(**{"microglia.dev__min-replicas": "1"}), True),
        (lambda raw: raw["metadata"]["labels"].update(tier="gold"), True),
        (lambda raw: raw["spec"]["template"]["metadata"]["labels"].update(tier="gold"), True),
    ],
    ids=["status", "annotation", "mark", "label", "template"],
)
@pytest.mark.parametrize("when", ["before the check", "before the write"])
def test_only_what_the_decision_read_is_a_surprise(stage, edit, moved, when):
    """Status and other people's annotations may change at any time; marks, labels and templates are read."""
    made = stage.rehearse().plan
    first = made.changes[0].id.name

    def meddle():
        stage.cluster.edit(BY_NAME["Deployment"], "boutique", first, edit)

    if when == "before the check":
        meddle()
    else:
        stage.cluster.before_write = lambda number, what: meddle() if number == 1 else None
    done = stage.lap(made)
    if when == "before the check":
        noes = getattr(done.rehearsal.checked, "refusals", ())
        assert ("moved" in {no.gate for no in noes if no.raised_by == 0}) is moved
    else:
        assert (done.record.steps[0].state == "surprise") is moved
    assert (stage.counts()[first] == made.changes[0].after) is not moved


def test_a_given_plan_is_checked_as_it_stands(stage):
    """A person's plan is not replaced by a new draft; what no longer fits is refused as a whole."""
    made = stage.rehearse().plan
    again = stage.lap(made)
    assert again.rehearsal.plan.id == made.id
    stale = stage.lap(made)
    assert isinstance(stale.rehearsal.checked, Refused)
    assert {refusal.gate for refusal in stale.rehearsal.checked.refusals} >= {"moved"}


@pytest.mark.parametrize(("gate", "ends"), [("room", True), ("freshness", False)])
def test_a_round_in_which_every_change_is_refused_takes_nothing_more(stage, monkeypatch, gate, ends):
    """A refusal of each change for itself ends the round rather than repeating it for ever; a moment's silence of
    metrics does not."""
    real = cycle.winnow

    def refuse(plan, *words):
        answer = real(plan, *words)
        noes = tuple(Refusal(gate, one.workload, "no room", index) for index, one in enumerate(plan.changes))
        return Refused(plan, noes, answer.proof)

    monkeypatch.setattr(cycle, "winnow", refuse)
    rounds = []
    for _ in range(3):
        rounds.append(stage.lap().rehearsal.state.round)
        stage.cluster.advance(stage.cluster.now + timedelta(days=4))
    assert rounds == sorted(rounds)
    assert (rounds[-1] > rounds[0]) is ends
    assert stage.cluster.writes == 0


def test_an_interruption_is_settled_before_anything_is_decided(stage):
    """A write that died is compared with the world; the next lap decides on the truth."""

    def die(number, what):
        if what.startswith("scale"):
            raise KeyboardInterrupt

    stage.cluster.before_write = die
    with pytest.raises(KeyboardInterrupt):
        stage.lap()
    stage.cluster.before_write = None
    assert "writing" in [step.state for step in stage.journal.records()[0].steps]
    assert stage.journal.history("default").state.exposed["boutique/adservice"] == 5, "N-1 compares with it for ever"
    stage.cluster.advance(stage.cluster.now + timedelta(minutes=1))
    done = stage.lap()
    states = [step.state for step in stage.journal.records()[0].steps]
    assert (states[0], set(states[1:])) == ("failed", {"skipped"})
    assert done.record is not None


def test_a_forbidden_write_is_a_failure_that_ends_the_plan(stage):
    """What the API server refuses was not written; nothing after it is tried."""

    def forbid(number, what):
        raise ForbiddenError("not for you")

    stage.cluster.before_write = forbid
    before = stage.counts()
    done = stage.lap()
    assert {step.state for step in done.record.steps} <= {"failed", "skipped"}
    assert stage.counts() == before


def test_ctrl_c_skips_what_was_not_begun(stage):
    """The reason to stop is asked before every write."""
    stage.stop = lambda: "stopped by Ctrl-C" if len(stage.said) else None
    done = stage.lap()
    assert [step.state for step in done.record.steps][:2] == ["done", "skipped"]
    assert done.record.steps[1].message == "stopped by Ctrl-C"


def test_two_policies_share_the_world_without_touching_each_other(stage):
    """The most specific policy claims a workload; a lap of the other leaves it alone."""
    spec = {"scope": {"namespaces": {"include": ["nothing-here"]}}}
    other = PruningPolicy.model_validate({"metadata": {"name": "other"}, "spec": spec})
    now = stage.cluster.now
    done = lap(stage.world, (stage.policy, other), Case(other, now), stage.conduct)
    assert done.rehearsal.plan.changes == ()
    assert done.rehearsal.plan.structure == "other"
    assert stage.cluster.writes == 0


def _judged(monkeypatch, stage, *looks):
    """What verification is told of a lap that sees ``looks`` one after the other, and what scoring said in it."""
    told, scored, check, score = [], [], cycle.winnow, cycle.score
    monkeypatch.setattr(cycle, "score", lambda *args: scored.append(score(*args)) or scored[-1])
    monkeypatch.setattr(cycle, "winnow", lambda *args: told.append(args[5]) or check(*args))
    seen = iter(looks)
    case = Case(stage.policy, stage.cluster.now)
    done = cycle.rehearse(lambda: next(seen), stage.journal.history("default"), (stage.policy,), case)
    (known,), (scores,) = told, scored
    return known, scores, done


def test_the_same_world_is_not_scored_twice(monkeypatch, stage):
    """The same topology again: its scores and protections hold for verification too, and it says the same."""
    one = cycle.look(stage.world, stage.policy, stage.cluster.now)
    known, scores, done = _judged(monkeypatch, stage, one, one)
    assert known[0] is scores
    assert known[1] is done.grounds.protections
    anew = winnow(done.plan, one, stage.journal.history("default"), stage.policy, stage.cluster.now)
    assert anew.plan.id == done.plan.id


def test_a_second_look_at_the_same_world_is_protected_anew(monkeypatch, stage):
    """The digest leaves out what moves all the time; protections may rest on it, scores never do."""
    looks = [cycle.look(stage.world, stage.policy, stage.cluster.now) for _ in range(2)]
    known, scores, _ = _judged(monkeypatch, stage, *looks)
    assert known[0] is scores
    assert known[1] is None


def test_a_world_that_moved_is_scored_anew(monkeypatch, stage):
    """One label more between the two looks, and nothing of the first look counts."""
    first = cycle.look(stage.world, stage.policy, stage.cluster.now)
    stage.cluster.edit(
        BY_NAME["Deployment"],
        "boutique",
        "adservice",
        lambda raw: raw["metadata"].setdefault("labels", {}).update(x="y"),
    )
    known, _, done = _judged(monkeypatch, stage, first, cycle.look(stage.world, stage.policy, stage.cluster.now))
    assert known is None
    assert done.plan.snapshot_digest == first.snapshot.digest
