"""Every rule, in reading order: what people said, what configuration implies, what the platform needs, what is unseen.

A new rule is one function, one line here and one case file.
"""

from microglia.protect.availability import (
    anti_affinity,
    autoscaler_minimum,
    disruption_budget,
    lease,
    topology_spread,
    vertical_autoscaler,
)
from microglia.protect.backup import backup, twin
from microglia.protect.blind import blind_spot
from microglia.protect.callbacks import api_service, crd_conversion, metrics_adapter, webhook
from microglia.protect.cilium import cilium_global
from microglia.protect.consul import consul_exports, consul_failover, consul_split, consul_upstreams
from microglia.protect.dns import dns_failover, gslb
from microglia.protect.envoy_gateway import envoy_fallback
from microglia.protect.evidence import not_request_driven, shield, unknown, unmeshed
from microglia.protect.external import external_endpoints
from microglia.protect.gateways import gateway, waypoint
from microglia.protect.ingress import ingress_fallback
from microglia.protect.keep import Rule
from microglia.protect.kuma import kuma_failover, kuma_proxy
from microglia.protect.linkerd import failure_accrual, linkerd_failover, linkerd_multicluster
from microglia.protect.locality import (
    local_traffic_policy,
    locality_distribute,
    locality_failover,
    outlier_detection,
    traffic_distribution,
    zone_aware,
)
from microglia.protect.marks import leave_alone
from microglia.protect.multicluster import multicluster_service, remote_callers
from microglia.protect.not_understood import not_understood
from microglia.protect.owners import not_a_deployment, operator_owned, replicated_data
from microglia.protect.people import annotated, ignored, minimum_annotated, minimum_policy, policy_always, protection
from microglia.protect.periodic import backup_restore, cron_target, monitoring, outside_callers
from microglia.protect.platform import operator, priority_class, system_namespace
from microglia.protect.rollouts import argo_rollout, flagger, in_flight
from microglia.protect.routes import (
    configured_host,
    headless,
    passthrough_client,
    proxy_called,
    service_entry,
    tls_origination,
)
from microglia.protect.routing import conditional_route, mirror, unrouted_subset, zero_weight
from microglia.protect.traefik import traefik_service

RULES: tuple[Rule, ...] = tuple(
    Rule(find)
    for find in (
        policy_always,
        protection,
        annotated,
        ignored,
        minimum_annotated,
        minimum_policy,
        leave_alone,
        backup,
        twin,
        locality_failover,
        locality_distribute,
        zone_aware,
        outlier_detection,
        traffic_distribution,
        local_traffic_policy,
        zero_weight,
        mirror,
        conditional_route,
        unrouted_subset,
        external_endpoints,
        webhook,
        api_service,
        crd_conversion,
        metrics_adapter,
        system_namespace,
        priority_class,
        operator,
        gateway,
        waypoint,
        ingress_fallback,
        linkerd_failover,
        linkerd_multicluster,
        failure_accrual,
        consul_failover,
        consul_split,
        consul_exports,
        consul_upstreams,
        cilium_global,
        kuma_failover,
        kuma_proxy,
        multicluster_service,
        remote_callers,
        envoy_fallback,
        traefik_service,
        dns_failover,
        gslb,
        not_a_deployment,
        operator_owned,
        replicated_data,
        disruption_budget,
        topology_spread,
        anti_affinity,
        lease,
        autoscaler_minimum,
        vertical_autoscaler,
        in_flight,
        argo_rollout,
        flagger,
        cron_target,
        monitoring,
        backup_restore,
        outside_callers,
        service_entry,
        tls_origination,
        headless,
        proxy_called,
        passthrough_client,
        configured_host,
        shield,
        not_request_driven,
        unmeshed,
        unknown,
        blind_spot,
        not_understood,
    )
)
