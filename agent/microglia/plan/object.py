"""``PruningPlan``: a plan as an object of the cluster. Its spec is the plan and people's word on it, its status what
was done."""

import json
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field, field_validator

from microglia.model.kinds import Kind
from microglia.model.units import show_bytes, show_cpu
from microglia.plan.approval import Approval, Offer
from microglia.plan.change import CountChange, MinimumChange, ScaleChange, SidecarChange, digest
from microglia.plan.condition import Condition, condition, joined
from microglia.plan.document import FORMAT, Plan
from microglia.plan.history import RECORD_FORMAT, Judgement, Record, Step
from microglia.policy.fields import Strict, Text, cel
from microglia.policy.mirror import LABEL
from microglia.policy.naming import Metadata
from microglia.policy.schema import API_VERSION

PLAN_KIND: Final = Kind(
    "PruningPlan", "microglia.dev", "v1alpha1", "pruningplans", "nothing", namespaced=False, optional=True
)
"""Read and written by the journal alone: an observation does not list it."""
LARGEST: Final = 512 * 1024
"""Bytes of JSON that a PruningPlan may have; etcd refuses an object of three times that."""
STRUCTURE_LABEL: Final = "microglia.dev/structure"
Shown = Literal["Waiting", "ForGit", "Writing", "Done", "Partly", "Nothing", "Restored", "Proposed"]
_RECEIPT: Final = 1024
_ENDS: Final = ("before", "after")


class Rejection(Strict):
    """``by`` will not have the plan, and says ``why``. What it would take is left alone ``until`` then; where that is
    not said, for the length of a window after the plan was made."""

    by: Text
    why: Text
    until: AwareDatetime | None = None


class PlanSpec(Plan):
    """The plan itself, which never changes, and people's word on it. ``sealed`` (written as ``digest``) is the plan's
    digest, which an approval names; ``seal`` that of what is written here, which is shorter for a large plan."""

    model_config = cel(
        "!has(self.approval) || self.approval.digest == self.digest",
        "spec.approval.digest is that of another plan; write the one in spec.digest",
        (
            "!(has(self.approval) && has(self.rejected))",
            "a plan is approved or rejected, not both; set the other one to null",
        ),
        (
            "!has(self.approval) || !has(self.way) || self.way != 'git'",
            "this plan changes what Git owns, so approving it does nothing; bring it there with microglia propose",
        ),
    )

    sealed: str = Field(alias="digest", pattern="^[0-9a-f]{64}$")
    seal: str = Field(pattern="^[0-9a-f]{64}$")
    approval: Approval | None = None
    rejected: Rejection | None = None

    @field_validator("changes", mode="before")
    @classmethod
    def _unfolded(cls, changes: Any) -> Any:
        """Bodies are written as JSON texts; see ``plan_object``."""
        return [_unfold(change) for change in changes] if isinstance(changes, list) else changes

    def document(self) -> Plan:
        """The plan. Raises ValueError when it is not as it was written."""
        plan = Plan(**{name: getattr(self, name) for name in Plan.model_fields})
        if plan.digest != self.sealed or digest(plan.model_dump(mode="json", by_alias=True)) != self.seal:
            raise ValueError("was changed after it was written (its digest differs)")
        return plan


class PlanStatus(Strict):
    """The receipt and the verdicts; ``started`` is None while the plan waits. ``state``, ``what``,
    ``changes``, ``saves`` and ``done`` are for people who list plans."""

    format: int = RECORD_FORMAT
    state: Shown = "Waiting"
    what: str = ""
    changes: int = 0
    saves: str = ""
    done: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    steps: tuple[Step, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    restored_by: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


class PruningPlan(Strict):
    """One plan object."""

    api_version: Literal["microglia.dev/v1alpha1"] = "microglia.dev/v1alpha1"
    kind: Literal["PruningPlan"] = "PruningPlan"
    metadata: Metadata
    spec: PlanSpec
    status: PlanStatus | None = None

    @property
    def begun(self) -> bool:
        """Whether it is a record."""
        return self.status is not None and self.status.started is not None

    @property
    def waits(self) -> bool:
        """Whether it is up for approval. An object without a status is neither: its maker got no further."""
        return self.status is not None and self.status.started is None

    def offer(self) -> Offer:
        """As what waits. Raises ValueError when the plan is not as it was written."""
        said = self.spec.rejected
        words, until = (f"{said.by}: {said.why}", said.until) if said else (None, None)
        return Offer(self.spec.document(), self.spec.approval, words, until)

    def record(self) -> Record:
        """As what was done. Raises ValueError when nothing was begun, or the plan is not as it was written."""
        status = self.status
        if status is None or status.started is None:
            raise ValueError("was not begun")
        return Record(
            format=status.format,
            plan=self.spec.document(),
            started=status.started,
            finished=status.finished,
            steps=status.steps,
            judgements=status.judgements,
            restored_by=status.restored_by,
        )


def plan_object(plan: Plan) -> dict[str, Any]:
    """The object that puts ``plan`` into a cluster, told as shortly as it must be. Raises ValueError when its changes
    alone are too many for an object.

    The body of a Sidecar before and after is written as JSON text: what has no schema an API server cannot compare, and
    so could not hold unchanged.
    """
    short = plan.bounded()
    written = short.model_dump(mode="json", by_alias=True)
    body = {
        "apiVersion": API_VERSION,
        "kind": PLAN_KIND.name,
        "metadata": {
            "name": plan.id,
            "labels": {LABEL: "microglia", STRUCTURE_LABEL: plan.structure[:63].rstrip("-.")},
        },
        "spec": {
            **written,
            "changes": [_fold(change) for change in written["changes"]],
            "digest": plan.digest,
            "seal": digest(written),
        },
    }
    size = len(json.dumps(body)) + _RECEIPT * len(plan.changes)
    if size > LARGEST:
        raise ValueError(
            f"{plan.id}: {len(plan.changes)} changes and their receipt take {size // 1024} KiB, and an object holds "
            f"{LARGEST // 1024} KiB; write a smaller spec.pace.perLap.atMost and make a new plan"
        )
    return body


def _fold(change: dict[str, Any]) -> dict[str, Any]:
    texts = {end: json.dumps(change[end], sort_keys=True) for end in _ENDS if isinstance(change[end], dict)}
    return {**change, **texts}


def _unfold(change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    return {**change, **{end: json.loads(change[end]) for end in _ENDS if isinstance(change.get(end), str)}}


def newer(raw: Any) -> str:
    """What is too new for this version about a plan object, empty when nothing is."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    for what, found, known in (("plan", spec.get("format"), FORMAT), ("record", status.get("format"), RECORD_FORMAT)):
        if isinstance(found, int) and found > known:
            return (
                f"was written by a newer microglia ({what} format {found}); this one reads up to {known}: "
                "use that newer one"
            )
    return ""


def waiting_status(plan: Plan) -> PlanStatus:
    """The status of a plan that is up."""
    state: Shown = "ForGit" if plan.way == "git" else "Waiting"
    return PlanStatus(state=state, what=_what(plan), changes=len(plan.changes), saves=_saves(plan))


def status_of(record: Record, old: tuple[Condition, ...], now: datetime) -> PlanStatus:
    """The status that tells of ``record``. ``old`` are the conditions until now."""
    done = len(record.done())
    return PlanStatus(
        format=record.format,
        state=_state(record),
        what=_what(record.plan),
        changes=len(record.plan.changes),
        saves=_saves(record.plan),
        done=f"{done}/{len(record.steps)}",
        started=record.started,
        finished=record.finished,
        steps=record.steps,
        judgements=record.judgements,
        restored_by=record.restored_by,
        conditions=joined(old, _conditions(record, now)),
    )


def _what(plan: Plan) -> str:
    sign = "-" if plan.purpose == "prune" else "+"
    moved = sum(abs(one.after - one.before) for one in plan.changes if isinstance(one, ScaleChange))
    least = sum(abs(one.after - one.before) for one in plan.changes if isinstance(one, MinimumChange))
    sides = [one for one in plan.changes if isinstance(one, SidecarChange)]
    rest = len(plan.changes) - len(sides) - sum(isinstance(one, CountChange) for one in plan.changes)
    hosts = sum(len(one.cut) or len(one.shown) for one in sides)
    parts = [f"{sign}{moved} replicas"] if moved else []
    parts += [f"{sign}{least} of minima"] if least else []
    parts += [f"{sign}{hosts} hosts seen by {len(sides)}"] if sides else []
    parts += [f"{sign}{rest} rare"] if rest else []
    return ", ".join(parts)


def _saves(plan: Plan) -> str:
    found = plan.saving
    parts = [show_cpu(found.cpu)] if found.cpu else []
    parts += [show_bytes(found.memory)] if found.memory else []
    parts += [f"{show_bytes(found.proxy_config)} proxy"] if found.proxy_config else []
    return ", ".join(parts)


def _state(record: Record) -> Shown:
    if record.finished is None:
        return "Writing"
    if record.restored_by:
        return "Restored"
    if any(step.state == "proposed" for step in record.steps):
        return "Proposed"
    done = len(record.done())
    return "Nothing" if not done and record.steps else "Done" if done == len(record.steps) else "Partly"


def _conditions(record: Record, now: datetime) -> tuple[Condition, ...]:
    found = [_applied(record, now)]
    words = [record.verdict(index) for index in record.done()] if record.plan.purpose == "prune" else []
    if words and record.finished is not None:
        found.append(_kept(words, now))
    if record.restored_by:
        found.append(condition("Restored", "True", "GivenBack", f"given back by {', '.join(record.restored_by)}", now))
    return tuple(found)


def _applied(record: Record, now: datetime) -> Condition:
    if record.finished is None:
        return condition("Applied", "Unknown", "Writing", "", now)
    other = next((step for step in record.steps if step.state != "done"), None)
    if other is None:
        return condition("Applied", "True", "AllWritten", "", now)
    subject = record.plan.changes[other.index].workload
    return condition("Applied", "False", other.state.capitalize(), f"{subject}: {other.message or other.state}", now)


def _kept(words: list[Judgement | None], now: datetime) -> Condition:
    regrown = next((one for one in words if one is not None and one.verdict == "Regrow"), None)
    if regrown is not None:
        return condition("Kept", "False", "Regrow", regrown.why, now)
    waiting = next((one for one in words if one is None or one.verdict == "Wait"), None)
    if waiting is None and all(words):
        return condition("Kept", "True", "Keep", "", now)
    return condition("Kept", "Unknown", "Watched", waiting.why if waiting else "not judged yet", now)
