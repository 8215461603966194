"""``PruningPolicy``: what people write. ``PolicySpec()`` is the safe default."""

from typing import Literal, Self

from pydantic import Field, model_validator

from microglia.policy.fields import (
    MANY,
    Cron,
    Duration,
    Fraction,
    Glob,
    Number,
    PerHour,
    Quantity,
    Share,
    Some,
    Strict,
    Text,
    Whole,
    Zone,
    cel,
)
from microglia.policy.guarding import Guard
from microglia.policy.naming import KindName, Metadata
from microglia.policy.observing import LabelSelector, Observation

API_VERSION = "microglia.dev/v1alpha1"
Resource = Literal["cpu", "memory", "proxyConfig", "replicas", "money"]
RESOURCES: tuple[Resource, ...] = ("cpu", "memory", "proxyConfig", "replicas", "money")
Mode = Literal["observe", "propose", "approve", "auto"]
MODES: tuple[Mode, ...] = ("observe", "propose", "approve", "auto")
"""Each may do what those before it may."""
Failure = Literal["replica", "node", "zone", "rollout"]


class Namespaces(Strict):
    """Glob patterns; ``exclude`` wins."""

    include: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    exclude: tuple[Glob, ...] = ("kube-system", "kube-public", "kube-node-lease", "istio-system")


class Scope(Strict):
    """What one policy selects: its structure."""

    namespaces: Namespaces = Namespaces()
    selector: LabelSelector = LabelSelector()
    elements: tuple[Literal["Replica", "Route"], ...] = ("Replica", "Route")


class Criticality(Strict):
    """Multiplies the value of what it selects. Both conditions must hold."""

    weight: Number = Field(gt=0)
    namespaces: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    selector: LabelSelector = LabelSelector()


class WeakRoutes(Strict):
    """Routes used less than ``below`` compete too."""

    below: PerHour


class WeakReplicas(Strict):
    """Replicas below ``need`` compete too, down to this risk."""

    at_risk: PerHour


class Weak(Strict):
    """What is weakly used and may compete; off by default."""

    routes: WeakRoutes | None = None
    replicas: WeakReplicas | None = None


class Retention(Strict):
    """The use-dependent rule, and how much a structure must be able to stand."""

    model_config = cel(
        "(has(self.failureStretch) ? self.failureStretch : 2.5) >= (has(self.stretch) ? self.stretch : 1.5)",
        "failureStretch is less than stretch; after a failure a replica carries more, not less",
    )
    rule: Literal["requests-at-risk", "peak-quantile", "presence"] = "requests-at-risk"
    headroom: Share = Field(default="10%", validate_default=True)
    survive: tuple[Failure, ...] = Field(default=("replica", "zone", "rollout"), min_length=1)
    utilisation: Some = Field(default="70%", validate_default=True)
    stretch: Number = Field(default=1.5, gt=1)
    failure_stretch: Number = Field(default=2.5, gt=1)
    criticality: tuple[Criticality, ...] = Field(default=(), max_length=MANY)
    weak: Weak = Weak()

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.failure_stretch < self.stretch:
            raise ValueError(
                f"failureStretch {self.failure_stretch:g} is less than stretch {self.stretch:g}; after a failure a"
                " replica carries more, not less: write at least the same"
            )
        return self


class Limit(Strict):
    """One resource's budget: ``spare`` over the load-bearing cost, or an absolute ``limit``."""

    model_config = cel("has(self.spare) != has(self.limit)", "write either spare or limit, such as {spare: 20%}")

    spare: Share | None = None
    limit: Quantity | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.spare is None) == (self.limit is None):
            raise ValueError('write either spare or limit, such as {spare: 20%} or {limit: "200"}')
        return self


_SPARE = Limit(spare=0.2)


class Budget(Strict):
    """What there is. A resource that is not named is not scarce."""

    cpu: Limit | None = _SPARE
    memory: Limit | None = _SPARE
    proxy_config: Limit | None = _SPARE
    replicas: Limit | None = None
    money: Limit | None = None


class Prices(Strict):
    """What a replica's requests cost per hour of a core and of a GiB; savings are shown in it."""

    currency: Text = "USD"
    cpu_hour: Quantity = Field(default="0.031", validate_default=True)
    memory_gi_hour: Quantity = Field(default="0.004", validate_default=True)


class Cap(Strict):
    """A share with a floor and a ceiling, in objects written."""

    model_config = cel(
        "!has(self.atMost) || self.atMost >= (has(self.atLeast) ? self.atLeast : 1)", "atMost is less than atLeast"
    )
    share: Fraction
    at_least: Whole = Field(default=1, ge=1)
    at_most: Whole | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"atMost {self.at_most} is less than atLeast {self.at_least}; write atMost the larger")
        return self


class Freeze(Strict):
    """No pruning from each start of ``cron`` for ``lasts``."""

    cron: Cron
    lasts: Duration
    time_zone: Zone = "UTC"


class Pace(Strict):
    """Rounds, and what one lap may write."""

    rounds: Whole = Field(default=5, ge=1)
    rate: Literal["decreasing", "constant"] = "decreasing"
    per_lap: Cap = Cap(share=0.1, at_least=1, at_most=50)
    per_namespace: Cap = Cap(share=0.2, at_least=1, at_most=10)
    per_workload: Cap = Cap(share=0.1, at_least=1)
    per_hour: Whole = Field(default=100, ge=1)
    freeze: tuple[Freeze, ...] = Field(default=(), max_length=MANY)


class Always(Strict):
    """Objects that people protect by policy; ``name`` and ``namespace`` are globs."""

    kind: KindName
    namespace: Glob = "*"
    name: Glob = "*"
    reason: Text


class Never(Strict):
    """The loud override: ``rule`` is wrong about these objects, and why."""

    rule: Text
    kind: KindName = "Deployment"
    namespace: Glob
    name: Glob
    reason: Text


class Protect(Strict):
    """Floors and pins that people set by policy."""

    min_replicas: Whole = Field(default=2, ge=1)
    always: tuple[Always, ...] = ()
    never: tuple[Never, ...] = ()


class Actuation(Strict):
    """What may be written. ``mode`` binds the agent only. Of an autoscaler, its minimum is."""

    mode: Mode = "observe"
    replicas: tuple[Literal["Deployment", "Rollout", "HorizontalPodAutoscaler", "ScaledObject"], ...] = ("Deployment",)
    routes: tuple[Literal["Sidecar"], ...] = ("Sidecar",)


class RouteForm(Strict):
    """How hosts are hidden. ``exclusion`` names each of them, which istiod reads from 1.31 on. ``allowList`` names the
    namespaces that stay visible: coarser, and what is new there is hidden until the next lap shows it."""

    form: Literal["exclusion", "allowList"] = "exclusion"


class Reopen(Strict):
    """When a hardened structure is looked at again."""

    after: Duration = Field(default="90d", validate_default=True)
    drift: Share = Field(default="25%", validate_default=True)


class Hardening(Strict):
    """When pruning has ended."""

    clean_rounds: Whole = Field(default=2, ge=1)
    reopen: Reopen = Reopen()


class PolicySpec(Strict):
    """Everything a policy says; every default is the safe one."""

    scope: Scope = Scope()
    observation: Observation = Observation()
    retention: Retention = Retention()
    budget: Budget = Budget()
    prices: Prices = Prices()
    pace: Pace = Pace()
    protect: Protect = Protect()
    actuation: Actuation = Actuation()
    routes: RouteForm = RouteForm()
    guard: Guard = Guard()
    hardening: Hardening = Hardening()


class PruningPolicy(Strict):
    """One policy document."""

    api_version: Literal["microglia.dev/v1alpha1"] = "microglia.dev/v1alpha1"
    kind: Literal["PruningPolicy"] = "PruningPolicy"
    metadata: Metadata = Metadata(name="default")
    spec: PolicySpec = PolicySpec()
