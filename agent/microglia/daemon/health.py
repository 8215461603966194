"""Is the loop alive, and is this process of any use yet?"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from microglia.report.table import count


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether all is well, and a sentence."""

    well: bool
    why: str


class Pulse:
    """What the loop leaves behind, for others to ask about. ``ticks`` is a steady clock in seconds; the loop counts as
    dead when it has not beaten for ``patience`` seconds. Any thread may ask."""

    def __init__(self, ticks: Callable[[], float], patience: float) -> None:
        self._ticks = ticks
        self._patience = patience
        self._guard = threading.Lock()
        self._beaten = ticks()
        self._laps = 0
        self._leader: str | None = None
        self._leads = False
        self._deaf: dict[str, tuple[float, bool]] = {}

    def beat(self) -> None:
        """The loop goes round."""
        with self._guard:
            self._beaten = self._ticks()

    def lapped(self) -> None:
        """Every policy was looked at once more."""
        with self._guard:
            self._laps += 1
            self._beaten = self._ticks()

    def hears(self, what: str) -> None:
        """The watch of ``what`` works."""
        with self._guard:
            self._deaf.pop(what, None)

    def deaf(self, what: str, *, broken: bool) -> None:
        """The watch of ``what`` failed; ``broken`` when not for want of an answer or a right, but by a fault of its
        own, which a new process may not have."""
        with self._guard:
            since, _ = self._deaf.get(what, (self._ticks(), broken))
            self._deaf[what] = (since, broken)

    def follows(self, leader: str) -> None:
        """Another process leads: a sentence that says who."""
        with self._guard:
            self._leader, self._leads = leader, False

    def leads(self) -> None:
        """This process leads."""
        with self._guard:
            self._leader, self._leads = None, True

    def ends(self) -> None:
        """This process leads no more."""
        with self._guard:
            self._leads = False

    def alive(self) -> Answer:
        """For ``/healthz``: has the loop moved lately, and is no watch broken for as long?

        A watch that only gets no answer is told and ends nothing: a new process would get none either, and the laps go
        on by the clock.
        """
        with self._guard:
            now = self._ticks()
            silent = now - self._beaten
            deaf = [(what, now - since, broken) for what, (since, broken) in sorted(self._deaf.items())]
        if silent > self._patience:
            why = f"the loop has stood still for {silent:.0f} s (at most {self._patience:.0f} s is well)"
            return Answer(well=False, why=why)
        said = "".join(f"; {what} could not be watched for {lasts:.0f} s" for what, lasts, _ in deaf)
        broken = any(found and lasts > self._patience for _, lasts, found in deaf)
        return Answer(well=not broken, why=f"the loop moved {silent:.0f} s ago{said}")

    def ready(self) -> Answer:
        """For ``/readyz``: a leader that has looked at every policy once, or a standby that knows its leader."""
        with self._guard:
            laps, leads, leader = self._laps, self._leads, self._leader
        if leads:
            why = f"leads, {count(laps, 'lap')} done" if laps else "leads, the first lap is not done yet"
            return Answer(well=laps > 0, why=why)
        if leader is not None:
            return Answer(well=True, why=f"stands by: {leader}")
        return Answer(well=False, why="neither leads nor knows who does yet")
