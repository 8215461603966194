"""What a gate is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from microglia.verify.facts import Facts


@dataclass(frozen=True, slots=True, order=True)
class Objection:
    """What a gate found: the index of the change that caused it (-1: the plan as a whole), whom it is about, and a
    message with the evidence, the limit and the way out."""

    index: int
    subject: str
    message: str


Find: TypeAlias = Callable[[Facts], Iterable[Objection]]


@dataclass(frozen=True, slots=True)
class Gate:
    """One reason for which a plan may be refused.

    ``meaning`` says what must hold; ``always`` also binds plans that only give back.
    """

    code: str
    meaning: str
    find: Find
    always: bool = False
