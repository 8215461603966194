"""Rows as a metrics server would send them, and a server that answers by the name of the expression."""

import re
from collections.abc import Callable, Mapping
from string import Template
from typing import Any

import numpy as np

from microglia.observe.dialects import istio, kubernetes
from microglia.observe.dialects.expressions import Expression
from microglia.observe.dialects.loading import built_in
from microglia.observe.dialects.making import expressions, present
from microglia.observe.dialects.recording import mark, ran
from microglia.observe.dialects.serving import scrapes_of
from microglia.observe.replies import Reply, Row

HOUR = 3600
ONCE = {
    "scrapes": istio.SCRAPES, "present": istio.PRESENT, "tcp": istio.TCP, "versions": istio.VERSIONS,
    "born": kubernetes.BORN, "cadvisor": kubernetes.PRESENT, "state": kubernetes.STATE_PRESENT,
    "recorded": ran(120).template.replace(mark(120), "$mark"),
    **{f"scrapes {one.name}": scrapes_of(one) for one in built_in() if one.served},
}  # fmt: skip
TEMPLATES = {
    **{one.name: one.template for one in (*istio.EXPRESSIONS, istio.BIRTHS, istio.GAPS, *kubernetes.EXPRESSIONS)},
    "slow": istio.slow(500).template,
    **ONCE,
    "dialects": present(built_in()),
    **{one.name: one.template for each in built_in() for one in expressions(each)},
}


def _pattern(template: str) -> re.Pattern[str]:
    text = Template.pattern.sub(lambda match: "$" if match["escaped"] else "\0", template)
    return re.compile(".*?".join(map(re.escape, text.split("\0"))), re.DOTALL)


PATTERNS = {name: _pattern(template) for name, template in TEMPLATES.items()}


def name_of(text: str) -> str:
    """The name of the expression that ``text`` was made from."""
    return next(name for name, pattern in PATTERNS.items() if pattern.fullmatch(text))


def row(times: Any, values: Any, **labels: str) -> Row:
    """One row."""
    values = np.broadcast_to(np.asarray(values, dtype=float), np.shape(times))
    return Row(labels, np.asarray(times, dtype=float), values.copy())


def template(name: str) -> Expression:
    """An expression by name."""
    return next(one for one in (*istio.EXPRESSIONS, *kubernetes.EXPRESSIONS) if one.name == name)


Answer = Callable[[np.ndarray], list[Row]]


class Server:
    """Answers by expression: a function from evaluation times to rows, a ``Reply``, or an exception to raise."""

    title = "http://prometheus"

    def __init__(self, **answers: Answer | Reply | Exception) -> None:
        self.answers: dict[str, Any] = answers
        self.asked: list[tuple[str, float, float]] = []
        self.pages: Mapping[str, Mapping[str, Any]] = {}
        self.skew: float | None = None

    def query(self, expression: str, moment: float) -> Reply:
        return self._answer(expression, np.array([moment]))

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        return self._answer(expression, np.arange(start, end + 1, step))

    def status(self, name: str) -> Mapping[str, Any]:
        return self.pages.get(name, {})

    def ahead(self) -> float | None:
        return self.skew

    def metric_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def read(self, name: str) -> list[tuple[float, float]]:
        """First and last moment of every time that ``name`` was asked."""
        return sorted((first, last) for asked, first, last in self.asked if asked == name)

    def _answer(self, expression: str, times: np.ndarray) -> Reply:
        name = name_of(expression)
        self.asked.append((name, float(times[0]), float(times[-1])))
        answer = self.answers.get(name, Reply(()))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(tuple(answer(times)))
