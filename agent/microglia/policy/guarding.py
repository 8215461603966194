"""``spec.guard``: for what, and how long, a cut is watched."""

from typing import Literal

from pydantic import Field

from microglia.policy.fields import Duration, Latency, Number, Some, Strict

Signal = Literal["errors", "latency", "unserved", "missing", "saturation"]


class Silent(Strict):
    """An element's own series are gone while Prometheus is healthy."""

    extend_to: Duration = Field(default="6h", validate_default=True)
    then: Literal["undo"] = "undo"


class Guard(Strict):
    """How long and for what a cut is watched."""

    watch: Duration = Field(default="2h", validate_default=True)
    exposure: Some = Field(default="90%", validate_default=True)
    signals: tuple[Signal, ...] = ("errors", "latency", "unserved", "missing", "saturation")
    alpha: Some = Field(default="1%", validate_default=True)
    tolerance: Number = Field(default=1.25, gt=1)
    latency_above: Latency = Field(default="500ms", validate_default=True)
    silent: Silent = Silent()
