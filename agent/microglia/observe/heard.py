"""In how many hours of a window each dialect was there."""

from collections.abc import Mapping, Sequence

from microglia.model.window import Window
from microglia.observe.dialects.expressions import HOUR, Expression, Spans, filled
from microglia.observe.dialects.schema import Dialect
from microglia.observe.dialects.selecting import selector
from microglia.observe.reading import Server


def hours_heard(server: Server, dialects: Sequence[Dialect], scope: str, window: Window) -> Mapping[str, int]:
    """Name -> hours at whose end its heartbeat was there, of those of ``dialects`` that were there at all.

    One query. Raises UnreadableError when nothing answers.
    """
    if not dialects:
        return {}
    template = "\nor ".join(
        f'label_replace(count({selector(one.heartbeat, one.heartbeat_matchers)}), "dialect", "{one.name}", "", "")'
        for one in dialects
    )
    text = filled(Expression("heard", "hour", template), Spans(60.0, HOUR), scope)
    first = window.start.timestamp() + HOUR
    reply = server.query_range(text, first, window.end.timestamp(), HOUR)
    return {row.labels.get("dialect", ""): int((row.values > 0).sum()) for row in reply.rows}
