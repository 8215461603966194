"""The description of a world, as its YAML file says it: nouns with defaults, no behaviour."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from microglia.model.units import duration, quantity


def _quantity(text: str) -> str:
    if quantity(text) < 0:
        raise ValueError(f'"{text}" is less than nothing; write 500m or 256Mi')
    return text


Quantity = Annotated[str, BeforeValidator(str), AfterValidator(_quantity)]
"""A Kubernetes quantity, kept as written so that manifests show what people wrote."""
Seconds = Annotated[float, BeforeValidator(lambda text: duration(text).total_seconds())]
"""``30s``, ``20m`` or plain seconds."""
Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "CronJob"]
Protocol = Literal["http", "grpc", "tcp"]


def _clock(text: Any) -> float:
    hours, minutes, seconds = (*str(text).split(":"), "0", "0")[:3]
    value = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if not 0 <= value <= 86400:
        raise ValueError(f'"{text}" is not a time of day; write "10:59:50", quoted')
    return value


Clock = Annotated[float, BeforeValidator(lambda text: text if isinstance(text, float) else _clock(text))]
"""Seconds since midnight, written ``"10:59:50"`` or ``"03:00"`` (quoted: bare YAML reads 10:59 as a number)."""


class Part(BaseModel):
    """What all parts share: frozen, no unknown key, camelCase in files."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Zone(Part):
    """One zone: ``nodes`` nodes."""

    name: str
    region: str = "home"
    nodes: int = Field(default=2, ge=1)


class NodeSize(Part):
    """What every node can hold."""

    cpu: Quantity = "64"
    memory: Quantity = "256Gi"
    pods: int = 250


class Shape(Part):
    """A day and a week of demand, as shares of the peak: ``night`` at the trough; Sat and Sun times ``weekend``."""

    night: float = Field(default=0.3, ge=0, le=1)
    peak_hour: float = Field(default=14, ge=0, lt=24)
    weekend: float = Field(default=1, ge=0)


class Namespace(Part):
    """``mesh``: pods get a sidecar. ``created`` counts days from the start of the world."""

    mesh: bool = True
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    created: float = -90


class Hpa(Part):
    """A HorizontalPodAutoscaler's bounds."""

    minimum: int = Field(alias="min", ge=1)
    maximum: int = Field(alias="max", ge=1)


class Background(Part):
    """CPU that requests do not explain, all replicas together, at its own shape's peak."""

    cores: float = Field(ge=0)
    shape: str = "flat"


class Port(Part):
    """A named port of a Service and its pods."""

    name: str
    port: int = Field(ge=1, le=65535)


class Workload(Part):
    """A controller of pods.

    ``replicas``, or ``need`` times the world's overproduction. ``capacity`` is what one replica can really serve,
    requests per second; left out, it is what its CPU request allows. ``bottleneck`` says in words what bounds it
    where CPU does not show it. ``cpu_seconds`` of the app per request, ``proxy_seconds`` of the sidecar.
    ``working_set`` of one replica at full load. ``skew``: how much the busiest replica gets over the mean.
    ``region`` pins it to one region. ``spread``: DoNotSchedule by zone. ``lease``: the first pod holds a Lease.
    ``manager``: the field manager that applied ``spec.replicas``. ``created``: days from the start of the world.
    """

    kind: Kind = "Deployment"
    replicas: int | None = Field(default=None, ge=0)
    need: int | None = Field(default=None, ge=1)
    cpu: Quantity = "500m"
    memory: Quantity = "256Mi"
    cpu_limit: Quantity | None = None
    memory_limit: Quantity | None = None
    working_set: Quantity | None = None
    capacity: float | None = Field(default=None, gt=0)
    bottleneck: str = ""
    cpu_seconds: float = Field(default=0.005, ge=0)
    proxy_seconds: float = Field(default=0.0004, ge=0)
    idle_cpu: float = Field(default=0.01, ge=0)
    background: Background | None = None
    latency: float = Field(default=20, gt=0)
    skew: float = Field(default=0, ge=0)
    app: str | None = None
    version: str = "v1"
    labels: dict[str, str] = {}
    pod_labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    pod_annotations: dict[str, str] = {}
    sidecar: bool | None = None
    ports: tuple[Port, ...] = ()
    service: bool = True
    pdb: dict[Literal["minAvailable", "maxUnavailable"], int | str] | None = None
    hpa: Hpa | None = None
    spread: bool = False
    lease: bool = False
    region: str | None = None
    priority_class: str | None = None
    strategy: dict[Literal["maxUnavailable", "maxSurge"], int | str] | None = None
    schedule: str = "0 3 1 * *"
    args: tuple[str, ...] = ()
    manager: str = "kubectl-client-side-apply"
    created: float = -90


class Service(Part):
    """A Service that no workload's own ``ports`` make: blue/green by selector, headless, external names."""

    selector: dict[str, str] = {}
    ports: tuple[Port, ...]
    headless: bool = False
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    spec: dict[str, Any] = {}
    created: float = -90


class Moment(Part):
    """``count`` calls at one second: ``day`` days after the start, at ``clock`` UTC."""

    day: int
    clock: Clock
    count: int = Field(default=1, ge=1)


class Monthly(Part):
    """Calls at ``rate`` for ``lasts``, from ``clock`` on day ``day`` of each month."""

    day: int = Field(ge=1, le=28)
    clock: Clock
    lasts: Seconds = 600
    rate: float = Field(gt=0)


class Call(Part):
    """A client calls a host.

    ``client`` is ``namespace/name`` or ``unknown``; ``host`` is ``service.namespace`` or a name outside the cluster.
    ``rate`` per second at the peak of ``shape`` (connections for tcp); ``errors`` the share that fails anyway.
    ``stream``: one long stream since before the world began; ``rate`` then counts its messages, or kilobytes for tcp.
    ``at`` single calls and bursts; ``monthly`` a job. ``noise``: coefficient of variation of 5-minute rates.
    """

    client: str
    host: str
    rate: float = Field(default=0, ge=0)
    shape: str = "day"
    protocol: Protocol = "http"
    errors: float = Field(default=0, ge=0, le=1)
    stream: bool = False
    noise: float | None = Field(default=None, ge=0)
    at: tuple[Moment, ...] = ()
    monthly: Monthly | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.at and (self.rate or self.monthly or self.stream):
            raise ValueError("single calls stand alone; write a second call for the rate, the job or the stream")
        return self


class Accident(Part):
    """Something bad, from ``start`` to ``end`` on day ``day``.

    ``zone``: the zone's nodes are away. ``workload``: its pods do not serve. ``restart``: the proxy of the workload's
    first pod restarts at ``start``. ``gap``: nothing of ``target`` (all, if empty) is scraped. ``envoy``: the agent
    answers scrapes of ``target`` but Envoy's part fails.
    """

    kind: Literal["zone", "workload", "restart", "gap", "envoy"]
    target: str = ""
    day: int
    start: Clock
    end: Clock = 86400.0


def _hour(moment: datetime) -> datetime:
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment.minute or moment.second or moment.microsecond:
        raise ValueError(f"a world starts on a whole hour of UTC, not {moment}")
    return moment


class World(Part):
    """All of it. ``overproduction`` multiplies ``need``; ``mtls`` strict makes passthrough calls fail;
    ``latency_bounds`` are the buckets of durations that sidecars export, milliseconds, besides the one for all."""

    name: str
    seed: int = 1
    start: Annotated[datetime, AfterValidator(_hour)]
    istio: str = "1.31.1"
    scrape: Seconds = 30
    zones: tuple[Zone, ...] = Field(min_length=1)
    node: NodeSize = NodeSize()
    overproduction: float = Field(default=1.5, ge=1)
    mtls: Literal["permissive", "strict"] = "permissive"
    noise: float = Field(default=0.08, ge=0)
    latency_bounds: tuple[float, ...] = (500, 1000)
    shapes: dict[str, Shape] = {}
    namespaces: dict[str, Namespace] = Field(min_length=1)
    workloads: dict[str, Workload] = Field(min_length=1)
    services: dict[str, Service] = {}
    calls: tuple[Call, ...] = ()
    objects: tuple[dict[str, Any], ...] = ()
    accidents: tuple[Accident, ...] = ()
