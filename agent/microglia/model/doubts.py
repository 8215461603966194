"""What sources say of themselves that explains hours which nobody saw: their clocks, and how long they keep samples.

Each sentence has what, evidence and the way out, and is empty when there is nothing to say.
"""

from datetime import timedelta

from microglia.model.snapshot import Source
from microglia.model.units import show_duration

SKEW = timedelta(minutes=1)
"""Clocks may differ by this much."""


def skew(who: str, ahead: float | None, so: tuple[str, str]) -> str:
    """How far ``who``'s clock is from this machine's. ``ahead`` is in seconds, negative when it is behind; ``so`` says
    what follows, first for a clock that is ahead."""
    span = timedelta(seconds=abs(ahead or 0.0))
    if ahead is None or span <= SKEW:
        return ""
    told = f"{show_duration(span)} {'ahead of' if ahead > 0 else 'behind'} this machine's clock"
    return f"the clock of {who} is {told}: {so[ahead < 0]}; synchronise both (NTP)"


def metrics_skew(server: str, ahead: float | None) -> str:
    """Whether the clock of the metrics server, known as ``server``, and ours disagree."""
    so = ("what it saw last is not looked at", "the last hours of the window are still to come there, and look unseen")
    return skew(server, ahead, so)


def short_retention(source: Source, window: timedelta) -> str:
    """Whether the metrics server forgets before ``window`` is over."""
    kept = source.kept
    if kept is None or kept >= window:
        return ""
    return (
        f"{source.prometheus} keeps metrics for {show_duration(kept)} (its retention) and the window asks for"
        f" {show_duration(window)}, so the first {show_duration(window - kept)} are never seen; raise its"
        " --storage.tsdb.retention.time, or shorten spec.observation.window"
    )


def doubts(source: Source, window: timedelta) -> tuple[str, ...]:
    """Every sentence that there is."""
    return tuple(filter(None, (metrics_skew(source.prometheus, source.ahead), short_retention(source, window))))
