"""A span of days dealt to pods: what each pod's sidecar counted, by reporter and labels."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from microglia.model.activity import F64
from microglia.world.activity import Truth
from microglia.world.demand import SLOT, SLOTS, Ints, generator, singles
from microglia.world.facts import latency
from microglia.world.flows import Day, deal, weights
from microglia.world.istio_labels import BAD, GOOD, Ending, Labels, peer, pseudo, reply, service
from microglia.world.layout import BLACKHOLE, PASSTHROUGH, Layout
from microglia.world.record import Pod
from microglia.world.sight import Sight, look


@dataclass(slots=True)
class Tally:
    """What one pod counted under one set of labels: ``amounts`` and milliseconds ``spent`` per slot of the span.

    ``events`` are (epoch seconds, count) that happened at once, and took ``spent`` too.
    """

    pod: Pod
    labels: Labels
    protocol: str
    stream: bool
    amounts: F64
    spent: F64
    events: list[tuple[float, float]] = field(default_factory=list)


class Dealer:
    """Collects the tallies of days ``[first, last)``."""

    def __init__(self, truth: Truth, first: int, last: int) -> None:
        self._truth = truth
        self._layout: Layout = truth.layout
        self._first = first
        self._slots = (last - first) * SLOTS
        self._tallies: dict[str, Tally] = {}
        for day in range(first, last):
            self._deal(truth.flow(day))

    def tallies(self) -> Iterator[tuple[str, Tally]]:
        """Every tally with its key, in order."""
        yield from sorted(self._tallies.items())

    def still(self, tally: Tally) -> Tally:
        """The same tally with nothing added in these days."""
        none = np.zeros(self._slots)
        return replace(tally, amounts=none, spent=none, events=[])

    def _deal(self, day: Day) -> None:
        layout = self._layout
        sight = look(layout, self._truth.record, day)
        millis = self._milliseconds(day, sight)
        for row, lane in enumerate(layout.lanes):
            call = layout.calls[lane.call]
            past = day.cut[lane.call] > 0
            server = layout.keys[lane.server] if lane.server >= 0 else ""
            where = {**service(layout, lane.host), **peer(layout, "destination", server)}
            if lane.server < 0 and lane.host == PASSTHROUGH:
                where = {**pseudo(PASSTHROUGH, layout.hosts[lane.call]), **peer(layout, "destination", "")}
            spent = millis[lane.server] if lane.server >= 0 else np.full(SLOTS, 50.0)
            for end, counts in ((GOOD, day.good[row]), (BAD, day.bad[row])):
                if not counts.any():
                    continue
                labels = {**where, **reply(call.protocol, end)}
                self._sent(day, lane.call, counts * ~past, labels, spent)
                if lane.server >= 0 and layout.meshed[lane.server]:
                    shares = weights(layout, lane.server, day.serving[day.owner == lane.server])
                    parts = deal(counts, shares, day.dice[row])
                    for known, some in ((True, parts * ~past), (False, parts * past)):
                        if some.any():
                            who = self._caller(lane.call, known=known)
                            self._add(day, lane.server, lane.call, some, {**who, **labels}, spent)
        self._lost(day)

    def _milliseconds(self, day: Day, sight: Sight) -> F64:
        total = np.zeros_like(sight.serving)
        for row, lane in enumerate(self._layout.lanes):
            call = self._layout.calls[lane.call]
            if lane.server >= 0 and call.protocol != "tcp" and not call.stream:
                total[lane.server] += day.good[row] + day.bad[row]
        return latency(self._layout, sight, total)

    def _lost(self, day: Day) -> None:
        """Calls that no server of the mesh got to see: reported by their clients alone."""
        layout = self._layout
        nobody = peer(layout, "destination", "")
        served = {lane.call: lane.host for lane in reversed(layout.lanes)}
        quick = np.full(SLOTS, 1.0)
        for number, call in enumerate(layout.calls):
            asked = layout.hosts[number]
            strict = day.stopped[number]
            for counts, where, end in (
                (day.unserved[number], service(layout, served.get(number, asked)), Ending("503", "UH")),
                (day.cut[number] - strict, pseudo(PASSTHROUGH, asked), GOOD),
                (strict, pseudo(PASSTHROUGH, asked), Ending("503", "UF,URX")),
                (day.refused[number], pseudo(BLACKHOLE, asked), Ending("502", "-")),
            ):
                if counts.any():
                    self._sent(day, number, counts, {**where, **nobody, **reply(call.protocol, end)}, quick)

    def _sent(self, day: Day, call: int, counts: Ints, labels: Labels, spent: F64) -> None:
        client = self._layout.index.get(self._layout.calls[call].client, -1)
        if client < 0 or not self._layout.meshed[client] or not counts.any():
            return
        shares = weights(self._layout, client, day.serving[day.owner == client])
        parts = deal(counts, shares, generator(self._layout, call, day.day, 900_000).random(SLOTS))
        own = {"reporter": "source", "connection_security_policy": "unknown"}
        who = peer(self._layout, "source", self._layout.calls[call].client)
        self._add(day, client, call, parts, {**own, **who, **labels}, spent)

    def _caller(self, call: int, *, known: bool) -> Labels:
        """What a server's sidecar says of who called: past a cut route there is no peer metadata."""
        client = self._layout.client(call) if known else ""
        policy = "mutual_tls" if client in self._layout.index else "none"
        own = {"reporter": "destination", "connection_security_policy": policy}
        return {**own, **peer(self._layout, "source", client)}

    def _add(self, day: Day, owner: int, call: int, parts: Ints, labels: Labels, spent: F64) -> None:
        mark = "|".join(labels[name] for name in sorted(labels))
        it = self._layout.calls[call]
        moments: dict[int, float] = {}
        for moment, _ in singles(self._layout, call, day.day):
            moments.setdefault(int(moment - day.start) // SLOT, moment)
        here = slice((day.day - self._first) * SLOTS, (day.day - self._first + 1) * SLOTS)
        pods = [pod for pod, of in zip(day.pods, day.owner, strict=True) if of == owner]
        for pod, counts in zip(pods, parts, strict=True):
            if not counts.any():
                continue
            key = f"{pod.workload}|{pod.name}|{pod.uid}|{it.stream}|{mark}"
            tally = self._tallies.get(key)
            if tally is None:
                none = np.zeros(self._slots)
                tally = self._tallies[key] = Tally(pod, labels, it.protocol, it.stream, none, none.copy())
            tally.spent[here] += counts * spent
            if it.at:
                tally.events.extend((moment, float(counts[slot])) for slot, moment in moments.items() if counts[slot])
            else:
                tally.amounts[here] += counts
