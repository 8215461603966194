"""What the agents live through in weeks: pruning, a bad release in the middle of a watch, and the end of pruning."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from microglia.model.window import floor_hour
from microglia.world.load import load, moved
from microglia.world.schema import Call, Moment, World
from tests.lab import Lab
from tests.lab.crew import Crew
from tests.lab.stage import put
from tests.lab.ward import DEPLOYMENTS, LEAD, WORLDS

NINE = timedelta(hours=9)
EVERY, MOST = timedelta(hours=25), 14
FAILING, LASTS = timedelta(hours=3), timedelta(hours=6)
"""The release comes so long after the first cut, and is there for so long."""
LOOKED = timedelta(hours=1)
_SERVER = "prometheus-of-career"


@dataclass(frozen=True, slots=True)
class Round:
    """What was there after one round of both agents."""

    at: datetime
    phase: str
    counts: dict[str, int]


@dataclass(slots=True)
class Career:
    """Everything that happened. ``released`` is when the bad release came, ``tables`` what kubectl shows at the end, by
    column."""

    before: dict[str, int]
    released: datetime
    rounds: list[Round] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    pruned: list[dict[str, Any]] = field(default_factory=list)
    regrown: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)


def live(lab: Lab, folder: Path) -> Career:
    """A round every hour until the harm is over, and then every ``EVERY`` until the structure is hardened."""
    start = floor_hour(datetime.now(UTC)).replace(hour=0) - LEAD - NINE - (MOST + 1) * EVERY
    first = start + LEAD + NINE
    stage = put(lab, _world(start, first + FAILING), lab.another_prometheus(_SERVER))
    stage.play(first)
    spec = YAML(typ="safe").load((WORLDS / "bad-days-policy.yaml").read_text(encoding="utf-8"))["spec"]
    crew = Crew(stage, lab, folder, "bad-days", {**spec, "hardening": {"cleanRounds": 1}})
    career = Career(_counts(lab), first + FAILING)
    try:
        _watched(crew, career, first + FAILING + LASTS)
    finally:
        crew.close()
    career.status = crew.policy()
    career.pruned, career.regrown = crew.plans("prune"), crew.plans("regrow")
    career.warnings = crew.ears.warnings()
    career.events = lab.api.get("/apis/events.k8s.io/v1/namespaces/default/events")["items"]
    career.tables = {kind: _table(lab, kind) for kind in ("pruningpolicies", "pruningplans")}
    lab.wipe()
    lab.processes.stop(_SERVER)
    return career


def _table(lab: Lab, kind: str) -> list[dict[str, str]]:
    """What ``kubectl get`` prints, cut where its heading begins each column."""
    command = [str(lab.binaries.kubectl), "--kubeconfig", str(lab.kubeconfig), "get", kind]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    head, *rows = text.splitlines()
    titles = list(re.finditer(r"\S+(?: \S+)*", head))
    ends = [*(one.start() for one in titles[1:]), None]
    return [
        {one.group(): row[one.start() : end].strip() for one, end in zip(titles, ends, strict=True)} for row in rows
    ]


def _watched(crew: Crew, career: Career, over: datetime) -> None:
    while len(career.rounds) < MOST + (FAILING + LASTS) // LOOKED:
        crew.round()
        phase = crew.policy()["phase"]
        career.rounds.append(Round(crew.stage.now, phase, _counts(crew.lab)))
        if phase == "Hardened":
            return
        crew.stage.play(crew.stage.now + (LOOKED if crew.stage.now < over else EVERY))


def _world(start: datetime, released: datetime) -> World:
    """The mesh of bad days, in which 1 % of all calls fail; from ``released`` on many of those to worker."""
    world = moved(load(WORLDS / "bad-days.yaml"), start)
    moments = [released + step * timedelta(minutes=5) for step in range(LASTS // timedelta(minutes=5))]
    failing = tuple(
        Moment.model_validate({"day": (one - start).days, "clock": f"{one:%H:%M}:30", "count": 900}) for one in moments
    )
    calls = [one.model_copy(update={"errors": 0.01}) for one in world.calls]
    bad = Call(client="bad/front", host="worker.bad", errors=1.0, at=failing)
    return world.model_copy(update={"calls": (*calls, bad)})


def _counts(lab: Lab) -> dict[str, int]:
    found = lab.api.get(DEPLOYMENTS)["items"]
    return {raw["metadata"]["name"]: raw["spec"]["replicas"] for raw in found}
