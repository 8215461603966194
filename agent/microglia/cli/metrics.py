"""Finds Prometheus: by its URL, else among the cluster's Services, through the API server."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from requests.auth import AuthBase

from microglia.cli.errors import Exit, MistakeError
from microglia.model.activity import Activity, Slowness
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw
from microglia.model.ports import ClusterFacts, UnreadableError
from microglia.model.snapshot import Source
from microglia.model.window import Window
from microglia.observe.credentials import Basic, Bearer, MissingExtraError, Signature, password_in
from microglia.observe.dialects.loading import DialectError, load
from microglia.observe.flavours import TENANTS
from microglia.observe.guest import Pace
from microglia.observe.kube import KubernetesCluster
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.services import ProxyAdapter, common_prometheus
from microglia.observe.session import Access
from microglia.observe.traffic import Asking
from microglia.settings import Settings

PROXIED = "http://proxied"


class Unasked:
    """The Traffic of those who never look at metrics: giving back works while Prometheus is down."""

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        """Raises UnreadableError."""
        raise UnreadableError(f"nobody is to ask for the metrics of {facts.name} at {now}")

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        """Raises UnreadableError."""
        raise UnreadableError(f"nobody is to ask for {window} of {len(objects)} kinds at {now}")

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> Slowness:
        """Raises UnreadableError."""
        raise UnreadableError(
            f"nobody is to ask how slow {len(workloads)} workloads were in {window} at {now}: {above} ms"
        )


def asking(settings: Settings) -> Asking:
    """What of the server is meant, and how it is asked. Raises MistakeError for a dialect that is wrong."""
    try:
        dialects = load(settings.dialect)
    except DialectError as error:
        raise MistakeError(str(error), Exit.USAGE) from None
    return Asking(settings.prometheus_scope or "", tenant(settings), pace(settings), dialects)


def prometheus(settings: Settings, cluster: KubernetesCluster) -> PrometheusServer:
    """The server that the settings name, else the likeliest Service. Raises MistakeError when there is none."""
    access, flavour = _access(settings), settings.flavour
    if settings.prometheus:
        return PrometheusServer(settings.prometheus, access, flavour=flavour)
    try:
        candidates = common_prometheus(cluster.objects(BY_NAME["Service"]))
    except UnreadableError as error:
        raise MistakeError(f"no Prometheus named, and {error}. Set --prometheus or MICROGLIA_PROMETHEUS") from None
    if not candidates:
        raise MistakeError(
            "no Prometheus named, and no Service here looks like one. Set --prometheus or MICROGLIA_PROMETHEUS"
        )
    best = candidates[0]
    return PrometheusServer(PROXIED, access, ProxyAdapter(cluster, best.path), best.title, flavour=flavour)


def tenant(settings: Settings) -> str:
    """Whose metrics these are, where one server keeps those of several."""
    headers = {name.lower(): value for name, value in map(header, settings.prometheus_header)}
    return ",".join(headers[name] for name in sorted(TENANTS, reverse=True) if name in headers)


def pace(settings: Settings) -> Pace:
    """How much is asked of the server."""
    return Pace(settings.prometheus_queries, settings.prometheus_samples)


def _access(settings: Settings) -> Access:
    cert = settings.prometheus_cert
    return Access(
        headers=dict(map(header, settings.prometheus_header)),
        token_file=settings.prometheus_token_file,
        ca=settings.prometheus_ca,
        cert=(cert, settings.prometheus_key or cert) if cert else None,
        auth=_auth(settings),
    )


def _auth(settings: Settings) -> AuthBase | None:
    if settings.prometheus_token is not None:
        return Bearer(settings.prometheus_token.get_secret_value())
    if settings.prometheus_user is not None:
        secret, file = settings.prometheus_password, settings.prometheus_password_file
        return Basic(settings.prometheus_user, secret.get_secret_value if secret else password_in(Path(str(file))))
    if settings.prometheus_aws_region is None:
        return None
    try:
        return Signature(settings.prometheus_aws_region)
    except MissingExtraError as error:
        raise MistakeError(str(error)) from None


def metric_names(server: PrometheusServer, now: datetime) -> list[str]:
    """Every metric name with a sample in the last five minutes, sorted. Raises UnreadableError."""
    reply = server.query('group by (__name__) ({__name__!=""})', now.timestamp())
    return sorted(row.labels["__name__"] for row in reply.rows)


def header(text: str) -> tuple[str, str]:
    """``Name: value`` as a pair. Raises MistakeError for any other form."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise MistakeError(f"--prometheus-header {text!r}: write 'Name: value'", Exit.USAGE)
    return name.strip(), value.strip()
