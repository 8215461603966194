"""The journal in objects: conflicts are read again, broken objects are named, and nothing needed is forgotten."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from microglia.model.kinds import BY_NAME, Kind
from microglia.model.objects import Raw, at
from microglia.model.ports import ConflictError, ForbiddenError, UnreadableError
from microglia.plan.condition import condition
from microglia.plan.document import Plan
from microglia.plan.history import Judgement
from microglia.plan.object import PLAN_KIND, plan_object
from microglia.plan.status import Remark
from microglia.policy.mirror import mirrored
from microglia.policy.naming import Metadata
from microglia.policy.schema import Actuation, PolicySpec, PruningPolicy
from microglia.store import objects as store
from microglia.store.files import StoreError
from microglia.store.objects import ObjectJournal
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from tests.contract.journal_contract import LATER, POLICIES, approval, closed, state
from tests.contract.test_writer_memory import WORLD
from tests.unit.act.changes import NOW, plan, scales

POLICY = BY_NAME["PruningPolicy"]
MADE = plan(*scales("a"))


class Crowded(MemoryCluster):
    """A cluster in which somebody else writes between a read and the write that follows, ``others`` times."""

    def __init__(self) -> None:
        super().__init__(World.model_validate(WORLD))
        self.others = 0
        self.refuses: Callable[[str, Kind], Exception | None] = lambda verb, kind: None

    def replace_status(self, kind: Kind, body: Raw) -> Raw:
        self._meet("status", kind, body)
        return super().replace_status(kind, body)

    def replace(self, kind: Kind, body: Raw) -> Raw:
        self._meet("replace", kind, body)
        return super().replace(kind, body)

    def delete(self, kind: Kind, raw: Raw) -> None:
        self._meet("delete", kind, raw)
        super().delete(kind, raw)

    def create(self, kind: Kind, body: Raw) -> Raw:
        if refused := self.refuses("create", kind):
            raise refused
        return super().create(kind, body)

    def _meet(self, verb: str, kind: Kind, raw: Raw) -> None:
        if refused := self.refuses(verb, kind):
            raise refused
        if self.others:
            self.others -= 1
            self.edit(kind, "", at(raw, "metadata", "name"), lambda found: found["metadata"].update(labels={"x": "y"}))


@pytest.fixture
def cluster() -> Crowded:
    return Crowded()


@pytest.fixture
def journal(cluster: Crowded) -> ObjectJournal:
    return ObjectJournal(cluster, lambda: NOW, POLICIES)


def tamper(cluster: MemoryCluster, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Somebody edits a plan past all walls."""
    cluster.edit(PLAN_KIND, "", name, change)


def test_a_conflict_is_read_again(cluster: Crowded, journal: ObjectJournal) -> None:
    """Twice somebody else is faster; both writes are there afterwards, in plans and in policies."""
    journal.offer(MADE, NOW)
    cluster.others = 2
    journal.begin(MADE, NOW)
    cluster.others = 2
    journal.save(state())
    cluster.others = 2
    journal.approve(journal.offer(plan(*scales("b")), NOW), approval(plan(*scales("b"))))
    assert [record.id for record in journal.records()] == [MADE.id]
    raw = cluster.read(PLAN_KIND, "", MADE.id)
    assert at(raw, "metadata", "labels") == {"x": "y"}
    assert journal.history("default").state == state()
    assert journal.up()[0].stage(NOW) == "approved"


def test_who_keeps_changing_it_is_to_be_found(cluster: Crowded, journal: ObjectJournal) -> None:
    """After some tries it is given up, and nothing was written."""
    journal.begin(MADE, NOW)
    cluster.others = 99
    with pytest.raises(StoreError, match="somebody else kept changing it"):
        journal.finish(MADE.id, LATER)
    cluster.others = 99
    with pytest.raises(StoreError, match="somebody else kept changing it"):
        journal.reopen("default", LATER)
    cluster.others = 0
    assert journal.records()[0].finished is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw["spec"]["changes"][0].update(after=1), "was changed after it was written"),
        (lambda raw: raw["spec"].update(format=9), "newer microglia (plan format 9)"),
        (lambda raw: raw["status"].update(format=9), "newer microglia (record format 9)"),
        (lambda raw: raw["status"].update(steps="x"), "is no plan: status.steps"),
        (lambda raw: raw["status"].update(steps=[{"index": 0}, {"index": 1}]), "not one step for each change"),
        (lambda raw: raw.pop("spec"), "is no plan: spec"),
    ],
)
def test_a_broken_plan_is_named_and_never_pruned_over(
    cluster: Crowded, journal: ObjectJournal, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    """Reading goes on with the others; pruning does not begin; restoring does."""
    good = plan(*scales("b"))
    closed(journal, MADE)
    closed(journal, good)
    tamper(cluster, MADE.id, change)
    assert [record.id for record in journal.records()] == [good.id]
    (message,) = journal.broken()
    assert message.startswith(f"PruningPlan {MADE.id}: ")
    assert words in message
    assert journal.history("default").surprises == (message,)
    with pytest.raises(StoreError, match="nothing is pruned while the journal has objects that cannot be read"):
        journal.begin(plan(*scales("c")), NOW)
    journal.begin(plan(*scales("b"), purpose="restore"), LATER)
    with pytest.raises(StoreError, match=f"PruningPlan {MADE.id}"):
        journal.finish(MADE.id, LATER)


def test_a_plan_under_another_name_is_broken(cluster: Crowded, journal: ObjectJournal) -> None:
    """Whoever copied it: one plan has one record."""
    closed(journal, MADE)
    raw = cluster.read(PLAN_KIND, "", MADE.id)
    assert raw is not None
    cluster.create(PLAN_KIND, {**raw, "metadata": {"name": "plan-00000000"}})
    assert journal.broken()[0].startswith(f"PruningPlan plan-00000000: holds {MADE.id}")


def test_what_the_server_refuses_is_told(cluster: Crowded, journal: ObjectJournal) -> None:
    """In the server's words; what is not durable raises."""
    refusals: list[Exception] = [ForbiddenError("writers may not"), UnreadableError("nobody answers")]
    for refused in refusals:
        cluster.refuses = lambda verb, kind, refused=refused: refused
        with pytest.raises(StoreError, match=f"{MADE.id}: {refused}"):
            journal.begin(MADE, NOW)
        with pytest.raises(StoreError, match=f"PruningPolicy default: {refused}"):
            journal.save(state())
    cluster.refuses = lambda verb, kind: None
    cluster.absent = frozenset({"PruningPlan"})
    with pytest.raises(StoreError, match="this cluster does not know the kind"):
        journal.records()


def test_too_large_a_plan_never_begins(cluster: Crowded, journal: ObjectJournal) -> None:
    """And leaves nothing behind."""
    with pytest.raises(StoreError, match=r"write a smaller spec\.pace\.perLap\.atMost"):
        journal.begin(plan(*scales(*map(str, range(1000)))), NOW)
    assert cluster.objects(PLAN_KIND) == []


def test_a_policy_of_a_file_is_mirrored(cluster: Crowded, journal: ObjectJournal) -> None:
    """Labelled as ours, with its spec; brought up when the file changed; a person's object is never rewritten."""
    journal.save(state())
    raw = cluster.read(POLICY, "", "default")
    assert at(raw, "metadata", "labels") == {"microglia.dev/managed-by": "microglia"}
    assert at(raw, "spec", "actuation", "mode") == "approve"
    changed = PruningPolicy(metadata=Metadata(name="default"), spec=PolicySpec(actuation=Actuation(mode="auto")))
    newer = ObjectJournal(cluster, lambda: NOW, {"default": changed})
    newer.reopen("default", LATER)
    raw = cluster.read(POLICY, "", "default")
    assert at(raw, "spec", "actuation", "mode") == "auto"
    assert raw is not None
    assert mirrored(raw)
    assert newer.history("default").state == state()
    cluster.edit(POLICY, "", "default", lambda found: found["spec"]["actuation"].update(mode="observe"))
    ObjectJournal(cluster, lambda: NOW, POLICIES).reopen("default", NOW)
    assert at(cluster.read(POLICY, "", "default"), "spec", "actuation", "mode") == "observe"
    cluster.create(POLICY, {"metadata": {"name": "one"}, "spec": {}})
    journal.save(state("one"))
    theirs = cluster.read(POLICY, "", "one")
    assert (at(theirs, "spec"), at(theirs, "metadata", "labels")) == ({}, None)
    assert at(theirs, "status", "phase") == "Pruning"


def test_a_policy_that_nobody_knows_is_not_made_up(journal: ObjectJournal) -> None:
    """Neither its object nor a file: the message says what to give."""
    with pytest.raises(StoreError, match=r"PruningPolicy team: .*\(default, one, two\); give its file with --policy"):
        journal.save(state("team"))
    assert (journal.knows("team"), journal.knows("default")) == (False, False)
    journal.save(state())
    assert journal.knows("default")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"format": 9}, "its status was written by a newer microglia"),
        ({"phase": "Waning"}, "its status cannot be understood: phase"),
        ({"phase": "Pruning", "since": "2026-06-29T12:00:00Z", "memory": "x"}, "status.memory is damaged"),
    ],
)
def test_a_broken_status_stops_a_lap_but_not_a_restore(
    cluster: Crowded, journal: ObjectJournal, status: dict[str, Any], words: str
) -> None:
    """The phase is never guessed; the records are readable all the same."""
    closed(journal, MADE)
    journal.save(state())
    cluster.edit(POLICY, "", "default", lambda raw: raw.update(status=status))
    with pytest.raises(StoreError, match=words):
        journal.history("default")
    assert len(journal.records()) == 1


def test_remarks_are_joined_and_written_once(cluster: Crowded, journal: ObjectJournal) -> None:
    """Conditions of others stay, an empty sentence leaves what is there, and saying the same again writes nothing."""
    journal.remark("default", Remark((condition("Accepted", "True", "Read", "", NOW),), "2 changes wait"))
    journal.remark("default", Remark((condition("Acting", "False", "Waiting", "", NOW),), ""))
    status = at(cluster.read(POLICY, "", "default"), "status")
    assert status["saying"] == "2 changes wait"
    assert [one["type"] for one in status["conditions"]] == ["Accepted", "Acting"]
    assert status["observedGeneration"] == 1
    before = cluster.writes
    journal.remark("default", Remark((condition("Accepted", "True", "Read", "", LATER),), "2 changes wait"))
    assert cluster.writes == before


def test_a_long_watch_stays_small(journal: ObjectJournal) -> None:
    """A judgement that says the same as before takes its place; one that says something else does not."""
    closed(journal, MADE)
    for hour in range(50):
        at_hour = NOW + timedelta(hours=hour)
        journal.judge(MADE.id, [Judgement(index=0, verdict="Wait", at=at_hour, why=f"hour {hour}")])
    journal.judge(MADE.id, [Judgement(index=0, verdict="Keep", at=LATER, why="so")])
    (record,) = journal.records()
    assert [one.why for one in record.judgements] == ["hour 49", "so"]


def test_old_records_are_forgotten(cluster: Crowded, journal: ObjectJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the same structure that nothing needs; what can be undone stays; a conflict leaves one for next time."""
    monkeypatch.setattr(store, "KEPT", 2)
    kept, other = plan(*scales("kept")), plan(*scales("z"), structure="one")
    closed(journal, other, 0, "failed")
    closed(journal, kept, 0)
    failed = [plan(*scales(name)) for name in "abcd"]
    for day, one in enumerate(failed, start=1):
        closed(journal, one, day, "failed")
    assert [record.id for record in journal.records() if record.plan.structure == "default"] == [
        kept.id, failed[2].id, failed[3].id,
    ]  # fmt: skip
    assert other.id in [record.id for record in journal.records()]
    cluster.refuses = lambda verb, kind: ConflictError("changed") if verb == "delete" else None
    closed(journal, plan(*scales("e")), 9, "failed")
    assert len(journal.history("default").records) == 4


def test_an_approval_that_comes_between_saves_its_plan(cluster: Crowded, journal: ObjectJournal) -> None:
    """Whoever withdraws does it on what he saw; a word that came meanwhile counts."""
    journal.offer(MADE, NOW)
    cluster.others = 1
    journal.withdraw(MADE.id)
    assert [one.plan.id for one in journal.up()] == [MADE.id]


def test_what_an_interrupted_maker_left_is_no_offer(cluster: Crowded, journal: ObjectJournal) -> None:
    """An object without a status is not up, so nothing carries it out; the next offer of its structure removes it."""
    cluster.create(PLAN_KIND, plan_object(MADE))
    cluster.create(PLAN_KIND, plan_object(plan(*scales("z"), structure="one")))
    assert (journal.up(), journal.records()) == ((), ())
    fresh = plan(*scales("b"))
    journal.offer(fresh, NOW)
    assert [one.plan.id for one in journal.up()] == [fresh.id]
    assert cluster.read(PLAN_KIND, "", MADE.id) is None
    assert len(cluster.objects(PLAN_KIND)) == 2


def test_a_plan_for_git_waits_beside_the_clusters(journal: ObjectJournal) -> None:
    """Each way replaces its own; the one for Git takes a no, but never an approval."""
    delivered, newer = plan(*scales("g"), way="git"), plan(*scales("b"))
    for one in (MADE, delivered, newer):
        journal.offer(one, NOW)
    assert {one.plan.id for one in journal.up()} == {delivered.id, newer.id}
    with pytest.raises(StoreError, match=f"what Git owns, so it is merged there: microglia propose {delivered.id}"):
        journal.approve(delivered.id, approval(delivered))
    journal.reject(delivered.id, "ann", "not now")
    assert journal.offer(delivered, NOW) == delivered.id
    assert [one.rejected for one in journal.up() if one.plan.way == "git"] == ["ann: not now"]


def test_what_was_last_said_is_remembered(cluster: Crowded, journal: ObjectJournal) -> None:
    """For status; nothing of a policy that nobody spoke about."""
    assert journal.said("default") == ""
    journal.remark("default", Remark((), "looks"))
    assert journal.said("default") == "looks"


def test_a_begun_plan_does_not_wait_again(cluster: Crowded, journal: ObjectJournal) -> None:
    """Offering what was begun is no news and changes nothing of its receipt."""
    closed(journal, MADE)
    assert journal.offer(MADE, NOW) == MADE.id
    assert (journal.up(), journal.records()[0].steps[0].state) == ((), "done")
    assert at(cluster.read(PLAN_KIND, "", MADE.id), "status", "state") == "Done"


def test_a_name_that_another_plan_has_begins_nothing(journal: ObjectJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight characters of a digest may meet: the record would undo what was never done."""
    honest = vars(Plan)["digest"].fget
    monkeypatch.setattr(Plan, "digest", property(lambda self: f"{0:08}{honest(self)[8:]}"))
    other = plan(*scales("z"))
    journal.offer(other, NOW)
    assert other.id == MADE.id
    with pytest.raises(StoreError, match=f"{MADE.id}: another plan has this name here; delete that, or make a new"):
        journal.begin(MADE, NOW)
    assert journal.records() == ()


def test_a_record_is_closed_also_where_old_ones_cannot_go(
    cluster: Crowded, journal: ObjectJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgetting is housekeeping: what it may not do now stays for the next time."""
    monkeypatch.setattr(store, "KEPT", 0)
    cluster.refuses = lambda verb, kind: ForbiddenError("no") if verb == "delete" else None
    closed(journal, MADE, 0, "failed")
    assert [record.finished for record in journal.records()] == [NOW]
    cluster.refuses = lambda verb, kind: None
    closed(journal, plan(*scales("b")), 1, "failed")
    assert journal.records() == ()


def test_an_approved_plan_is_not_withdrawn(cluster: Crowded, journal: ObjectJournal) -> None:
    """Also where it was approved after somebody had looked; once that ran out, it is."""
    journal.offer(MADE, NOW)
    journal.approve(MADE.id, approval(MADE))
    journal.withdraw(MADE.id)
    assert [one.plan.id for one in journal.up()] == [MADE.id]
    journal.approve(MADE.id, approval(MADE).model_copy(update={"until": NOW - timedelta(days=1)}))
    journal.withdraw(MADE.id)
    assert journal.up() == ()


def test_conditions_tell_the_generation_that_was_read(cluster: Crowded, journal: ObjectJournal) -> None:
    """That of the policy, anew when it moves, in the conditions that were said anew; a plan's speak of none."""
    journal.save(state())
    said = condition("Accepted", "True", "Valid", "", NOW)
    journal.remark("default", Remark((said, condition("Acting", "False", "Waiting", "", NOW))))
    raw = cluster.read(POLICY, "", "default")
    assert raw is not None
    assert {one["observedGeneration"] for one in raw["status"]["conditions"]} == {1}
    spec = {**raw["spec"], "pace": {**raw["spec"].get("pace", {}), "rounds": 7}}
    cluster.replace(POLICY, {"kind": "PruningPolicy", **raw, "spec": spec})
    journal.remark("default", Remark((said,)))
    status = at(cluster.read(POLICY, "", "default"), "status")
    moved = at(cluster.read(POLICY, "", "default"), "metadata", "generation")
    assert {one["type"]: one["observedGeneration"] for one in status["conditions"]} == {"Accepted": moved, "Acting": 1}
    journal.offer(MADE, NOW)
    closed(journal, plan(*scales("b")), 0, "done")
    told = [raw["status"] for raw in cluster.objects(PLAN_KIND)]
    assert not [one for status in told for one in status.get("conditions", []) if "observedGeneration" in one]


def test_the_last_lap_and_the_word_are_kept(cluster: Crowded, journal: ObjectJournal) -> None:
    """A lap that says nothing new moves only its time."""
    journal.save(state())
    journal.remark("default", Remark((), "Pruning: looks", "OnlyLooks", NOW))
    journal.remark("default", Remark((), lapped=LATER))
    status = at(cluster.read(POLICY, "", "default"), "status")
    assert (status["saying"], status["reason"]) == ("Pruning: looks", "OnlyLooks")
    assert journal.said("default") == f"Pruning: looks (last lap {LATER:%d %b %H:%M} UTC)"


def test_a_rejection_outlives_the_plans_after_it(cluster: Crowded, journal: ObjectJournal) -> None:
    """Another plan that is put up leaves it where it is; one under another policy, or after its end, does not."""
    journal.offer(MADE, NOW)
    journal.reject(MADE.id, "bob", "no")
    other = plan(*scales("b"))
    assert journal.offer(other, NOW) == other.id
    assert {one.plan.id for one in journal.up()} == {MADE.id, other.id}
    moved = plan(*scales("c"), policy_digest="another")
    journal.offer(moved, NOW)
    assert [one.plan.id for one in journal.up()] == [moved.id]


def test_reopening_takes_rejections_away(journal: ObjectJournal) -> None:
    """What a person rejected before they opened the structure again holds nothing."""
    journal.save(state())
    journal.offer(MADE, NOW)
    journal.reject(MADE.id, "bob", "no")
    journal.reopen("default", LATER)
    assert journal.up() == ()


def test_half_a_word_of_a_person_is_named_with_its_remedy(cluster: Crowded, journal: ObjectJournal) -> None:
    """An approval without an end: the journal is not thrown away for that."""
    journal.offer(MADE, NOW)
    raw = cluster.read(PLAN_KIND, "", MADE.id)
    assert raw is not None
    spec = {**raw["spec"], "approval": {"digest": MADE.digest, "by": "ann"}}
    cluster.replace(PLAN_KIND, {"kind": "PruningPlan", **raw, "spec": spec})
    (said,) = journal.broken()
    assert "spec.approval.until: Field required; set it to null with kubectl edit" in said
