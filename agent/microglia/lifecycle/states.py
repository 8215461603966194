"""The state that is remembered between laps, and what moves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """Exposing: look, prune nothing yet. Pruning: rounds. Hardened: only regrow until reopened."""

    EXPOSING = "Exposing"
    PRUNING = "Pruning"
    HARDENED = "Hardened"


@dataclass(frozen=True, slots=True, order=True)
class Shield:
    """An element that hurt when it was cut: protected until ``until``. ``element`` is a workload or route id as
    text."""

    element: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """One structure's memory. ``why`` is what last moved phase or round.

    ``round`` counts from 1 while pruning, else 0. ``entry`` is the excess per resource at entry into pruning,
    ``taken`` what all rounds took of it, ``clean`` how many rounds in a row found nothing. ``exposed`` maps workloads
    (as text) to the replicas they had when first exposed: failures are judged against it. ``shields`` are sorted.
    """

    structure: str
    phase: Phase
    since: datetime
    round: int = 0
    entry: Mapping[str, float] = field(default_factory=dict)
    taken: Mapping[str, float] = field(default_factory=dict)
    clean: int = 0
    exposed: Mapping[str, int] = field(default_factory=dict)
    shields: tuple[Shield, ...] = ()
    begun: datetime | None = None
    moved: int = 0
    demand: Mapping[str, float] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Signals:
    """What a lap saw that may move a state.

    ``excess`` per resource beyond what the selection keeps, now. ``took`` is what the receipts of this pruning phase
    took in all and ``moved`` how many changes those of this round wrote: counted anew from the journal by every lap, so
    that a crash can neither lose nor double them. ``representative`` says whether the window may be judged at all;
    ``watching`` whether anything is under watch; ``movable`` whether anything may still be taken in this round, caps
    and freezes aside; ``replicas`` the present counts and ``demand`` the mean requests per hour, by workload as text;
    ``regrown`` the shields in force; ``reopened`` that a person asked for it since the phase began. ``blind`` says
    which kinds of workloads could not be read; empty when all were: what such a lap misses is not gone.
    """

    excess: Mapping[str, float]
    took: Mapping[str, float]
    representative: bool
    watching: bool
    movable: bool
    replicas: Mapping[str, int]
    regrown: tuple[Shield, ...] = ()
    reopened: bool = False
    blind: str = ""
    demand: Mapping[str, float] = field(default_factory=dict)
    moved: int = 0
