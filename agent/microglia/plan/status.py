"""The status of a ``PruningPolicy``: what is remembered of its structure between laps, and conditions for people."""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import AwareDatetime

from microglia.lifecycle.states import Phase, Shield, State
from microglia.plan.condition import Condition
from microglia.policy.fields import Strict

STATUS_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Remark:
    """What is told of a policy: conditions, a sentence, the same in one word (both empty: what is there stays), and
    when a lap looked (None: it did not)."""

    conditions: tuple[Condition, ...]
    saying: str = ""
    reason: str = ""
    lapped: datetime | None = None


class Shielded(Strict):
    """An element that hurt when it was cut, and until when it is left alone."""

    element: str
    until: AwareDatetime
    reason: str


class PolicyStatus(Strict):
    """``phase`` to ``shields`` are ``lifecycle.states.State``, None and empty before the first lap. ``memory`` holds
    its two maps of all workloads, counts at first and demand, packed: JSON, zlib, base64. ``saying`` is a sentence of
    what goes on and why no more does, ``reason`` the same in one word; ``lapped`` is when that was last looked at.
    ``reopened`` is when a person last asked for it."""

    format: int = STATUS_FORMAT
    observed_generation: int = 0
    phase: Phase | None = None
    since: AwareDatetime | None = None
    why: str = ""
    round: int = 0
    begun: AwareDatetime | None = None
    clean: int = 0
    moved: int = 0
    entry: dict[str, float] = {}
    taken: dict[str, float] = {}
    shields: tuple[Shielded, ...] = ()
    memory: str = ""
    reopened: AwareDatetime | None = None
    saying: str = ""
    reason: str = ""
    lapped: AwareDatetime | None = None
    conditions: tuple[Condition, ...] = ()

    def state(self, structure: str) -> State | None:
        """The state of ``structure``; None before its first lap. Raises ValueError when ``memory`` is damaged."""
        if self.phase is None or self.since is None:
            return None
        exposed, demand = unpacked(self.memory)
        shields = tuple(Shield(one.element, one.until, one.reason) for one in self.shields)
        return State(
            structure=structure,
            phase=self.phase,
            since=self.since,
            why=self.why,
            round=self.round,
            entry=self.entry,
            taken=self.taken,
            clean=self.clean,
            exposed=exposed,
            shields=shields,
            begun=self.begun,
            moved=self.moved,
            demand=demand,
        )

    def remembering(self, state: State) -> "PolicyStatus":
        """The same status with this state."""
        return self.model_copy(
            update={
                "format": STATUS_FORMAT,
                "phase": state.phase,
                "since": state.since,
                "why": state.why,
                "round": state.round,
                "begun": state.begun,
                "clean": state.clean,
                "moved": state.moved,
                "entry": dict(state.entry),
                "taken": dict(state.taken),
                "shields": tuple(
                    Shielded(element=one.element, until=one.until, reason=one.reason) for one in state.shields
                ),
                "memory": packed(state.exposed, state.demand),
            }
        )


def packed(exposed: Mapping[str, int], demand: Mapping[str, float]) -> str:
    """Both maps as one short text: ten thousand workloads take less than 200 KiB."""
    text = json.dumps({"demand": dict(demand), "exposed": dict(exposed)}, sort_keys=True, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def unpacked(text: str) -> tuple[dict[str, int], dict[str, float]]:
    """Counts at first and demand. Raises ValueError when ``text`` is not as ``packed`` wrote it."""
    if not text:
        return {}, {}
    try:
        value: Any = json.loads(zlib.decompress(b64decode(text, validate=True)))
        return dict(value["exposed"]), dict(value["demand"])
    except (ValueError, zlib.error, KeyError, TypeError) as damage:
        raise ValueError(f"status.memory is damaged ({damage})") from None
