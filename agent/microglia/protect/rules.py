"""Every rule, in reading order: what people said, what configuration implies, what the platform needs, what is unseen.

A new rule is one function, one line here and one case file.
"""

from microglia.protect.alerting import alert_receiver, alert_target, monitoring, prometheus_shard
from microglia.protect.availability import (
    anti_affinity,
    autoscaler_minimum,
    disruption_budget,
    topology_spread,
    vertical_autoscaler,
)
from microglia.protect.backup import backup, twin
from microglia.protect.backups import backup_restore, scheduled_backup
from microglia.protect.blind import blind_spot
from microglia.protect.callbacks import api_service, crd_conversion, metrics_adapter, webhook
from microglia.protect.cilium import cilium_global
from microglia.protect.consul import consul_exports, consul_failover, consul_split, consul_upstreams
from microglia.protect.databases import (
    elasticsearch,
    mongodb_community,
    percona_mongodb,
    rabbitmq,
    redis_failover,
    strimzi,
)
from microglia.protect.dns import dns_failover, gslb
from microglia.protect.elections import lease, lease_candidate
from microglia.protect.envoy_gateway import envoy_fallback
from microglia.protect.evidence import bypassed_proxy, not_request_driven, shield, tcp_untold, unknown, unmeshed
from microglia.protect.external import external_endpoints
from microglia.protect.flagger import flagger, flagger_minimum
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
from microglia.protect.marks import downscaler_excluded, leave_alone, scale_down_disabled, scale_in_paused
from microglia.protect.multicluster import multicluster_service, remote_callers
from microglia.protect.not_understood import not_understood
from microglia.protect.owners import not_a_deployment, operator_owned
from microglia.protect.people import annotated, ignored, minimum_annotated, minimum_policy, policy_always, protection
from microglia.protect.periodic import cron_files, cron_target, outside_callers
from microglia.protect.platform import operator, priority_class, system_namespace
from microglia.protect.postgres import cloudnative_pg, crunchy_postgres, patroni, spilo
from microglia.protect.quorums import quorum, replicated_data
from microglia.protect.rollouts import argo_rollout, in_flight, rollout_rollback, rollout_services
from microglia.protect.routes import (
    configured_host,
    governing_service,
    headless,
    passthrough_client,
    proxy_called,
    service_entry,
    tls_origination,
)
from microglia.protect.routing import conditional_route, mirror, unrouted_subset, zero_weight
from microglia.protect.serverless import knative, kruise
from microglia.protect.sleep import sleep_excluded
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
        downscaler_excluded,
        sleep_excluded,
        scale_in_paused,
        scale_down_disabled,
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
        cloudnative_pg,
        spilo,
        patroni,
        crunchy_postgres,
        percona_mongodb,
        mongodb_community,
        redis_failover,
        strimzi,
        rabbitmq,
        elasticsearch,
        quorum,
        disruption_budget,
        topology_spread,
        anti_affinity,
        lease,
        lease_candidate,
        autoscaler_minimum,
        vertical_autoscaler,
        in_flight,
        argo_rollout,
        rollout_services,
        rollout_rollback,
        flagger,
        flagger_minimum,
        knative,
        kruise,
        cron_target,
        cron_files,
        monitoring,
        prometheus_shard,
        alert_receiver,
        alert_target,
        backup_restore,
        scheduled_backup,
        outside_callers,
        service_entry,
        tls_origination,
        headless,
        governing_service,
        proxy_called,
        passthrough_client,
        configured_host,
        shield,
        not_request_driven,
        unmeshed,
        bypassed_proxy,
        tcp_untold,
        unknown,
        blind_spot,
        not_understood,
    )
)
