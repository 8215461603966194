"""The series of a product over a day, as a scrape would have left them: for spans that no test can wait for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from tests.lab.exporter_story import Reporter
from tests.lab.exporter_text import Product
from tests.lab.remote_write import STALE, Series, Times, Values

_SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_PROCESS = Reporter("steady")


def history(product: Product, shown: Mapping[str, Values], up: Mapping[str, Values], times: Times) -> Iterator[Series]:
    """Everything that a store has of ``product``: each callee by a process of its own, which was scraped at ``times``,
    ms. ``shown`` are the counts, NaN where there was none; ``up`` whether a callee's process answered, 1 unless told.
    """
    steps = np.arange(times.size, dtype=float)
    for name, counts in shown.items():
        target = {"job": product.name, "instance": f"{product.name}-{name}", **product.labels(_PROCESS)}
        target["pod"] = pod_of(product, name)
        answered = up.get(name, np.ones(times.size))
        yield Series({"__name__": "up", **target}, times, answered)
        for labels, share in _parsed(product.calls(product.callee(name), 1.0), target):
            yield Series(labels, times, ended(np.where(answered > 0, share * counts, np.nan)))
        # Heartbeats stand still, noise grows.
        first, second = (_parsed(product.always(step), target) for step in (1, 2))
        for (labels, value), (_, later) in zip(first, second, strict=True):
            grown = value + steps * (later - value)
            yield Series(labels, times, ended(np.where(answered > 0, grown, np.nan)))


def pod_of(product: Product, fate: str) -> str:
    """The pod that tells of a callee: each has its own, under the name that its reporter has."""
    pod = product.labels(_PROCESS).get("pod", "agent-aaaaa")
    return f"{pod.rpartition('-')[0]}-{fate[:1]}{fate[-4:].replace('-', 'x')}"


def ended(values: Values) -> Values:
    """``values`` with a staleness marker wherever the series goes."""
    found = values.copy()
    found[np.flatnonzero(np.isnan(values[1:]) & ~np.isnan(values[:-1])) + 1] = STALE
    return found


def _parsed(lines: list[str], target: Mapping[str, str]) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each sample; a label that the target has, too, is ``exported_``; an empty one is none."""
    found = []
    for text in lines:
        match = _SAMPLE.fullmatch(text)
        assert match is not None, text
        own = {name: value for name, value in _LABEL.findall(match[2]) if value}
        kept = {f"exported_{name}" if name in target else name: value for name, value in own.items()}
        found.append(({"__name__": match[1], **target, **kept}, float(match[3])))
    return found
