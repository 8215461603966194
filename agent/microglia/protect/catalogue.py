"""Every known marker of "rare but load-bearing", as data: what it is, how it shows, and which rule keeps it.

A marker that no rule reads yet is covered by ``not-understood``: then ``shown`` begins with a kind that the rule lists,
or with a name of one of the families of labels and annotations that it knows.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """``group`` is the part of the catalogue, ``shown`` the kind, label or annotation, ``rules`` are codes."""

    group: str
    name: str
    shown: str
    rules: tuple[str, ...]


ROUTING = (
    Row("routing", "Istio locality failover", "DestinationRule localityLbSetting", ("locality-failover",)),
    Row("routing", "Istio locality distribution", "DestinationRule distribute", ("locality-distribute",)),
    Row("routing", "Istio outlier detection alone", "DestinationRule outlierDetection", ("outlier-detection",)),
    Row("routing", "Istio zone-aware balancing", "DestinationRule zoneAwareLbSetting", ("zone-aware",)),
    Row("routing", "Istio parked subset", "DestinationRule subsets", ("unrouted-subset", "zero-weight")),
    Row("routing", "Istio weight 0", "VirtualService route weight", ("zero-weight",)),
    Row("routing", "Istio mirror", "VirtualService mirror", ("mirror",)),
    Row("routing", "Istio conditional route", "VirtualService match", ("conditional-route",)),
    Row("routing", "Istio external endpoints", "WorkloadEntry", ("external-endpoints", "service-entry")),
    Row("routing", "Istio gateways", "gateway.istio.io/managed", ("gateway",)),
    Row("routing", "Istio ambient waypoint", "istio.io/use-waypoint", ("waypoint",)),
    Row("routing", "Linkerd failover", "TrafficSplit backends", ("linkerd-failover",)),
    Row("routing", "Linkerd multicluster", "mirror.linkerd.io/exported", ("linkerd-multicluster",)),
    Row("routing", "Linkerd retries and circuit breaking", "balancer.linkerd.io/failure-accrual", ("failure-accrual",)),
    Row("routing", "Consul failover", "ServiceResolver failover", ("consul-failover",)),
    Row("routing", "Consul splits", "ServiceSplitter weight", ("consul-split",)),
    Row("routing", "Consul exports", "ExportedServices", ("consul-exports",)),
    Row("routing", "Consul marks", "consul.hashicorp.com/service-tags", ("consul-exports", "consul-upstreams")),
    Row("routing", "Cilium global service", "service.cilium.io/global", ("cilium-global",)),
    Row("routing", "Kuma cross-zone", "MeshLoadBalancingStrategy failover", ("kuma-failover",)),
    Row("routing", "Kuma zone proxies", "kuma.io/ingress", ("kuma-proxy",)),
    Row("routing", "Gateway API weight 0", "HTTPRoute backendRefs weight", ("zero-weight", "mirror")),
    Row("routing", "Gateway API other protocols", "TCPRoute backendRefs", ("zero-weight",)),
    Row("routing", "Multi-cluster services", "ServiceExport", ("multicluster-service", "remote-callers")),
    Row("routing", "Envoy Gateway fallback", "Backend fallback", ("envoy-fallback",)),
    Row("routing", "Traefik failover", "TraefikService failover", ("traefik-service",)),
    Row("routing", "ingress-nginx fallback and canary", "Ingress annotations", ("ingress-fallback",)),
    Row("routing", "Ingress default backend", "Ingress defaultBackend", ("ingress-fallback",)),
    Row("routing", "DNS failover", "external-dns.alpha.kubernetes.io/aws-failover", ("dns-failover",)),
    Row("routing", "k8gb", "Gslb strategy", ("gslb", "dns-failover")),
    Row("routing", "Traffic distribution", "Service trafficDistribution", ("traffic-distribution",)),
    Row("routing", "Local traffic policies", "Service internalTrafficPolicy", ("local-traffic-policy",)),
)
CALLBACKS = (
    Row("callbacks", "Admission webhooks", "ValidatingWebhookConfiguration", ("webhook",)),
    Row("callbacks", "CRD conversion", "CustomResourceDefinition conversion", ("crd-conversion",)),
    Row("callbacks", "Aggregated APIs", "APIService spec.service", ("api-service",)),
    Row("callbacks", "Metrics adapters", "APIService custom.metrics", ("metrics-adapter", "api-service")),
    Row("callbacks", "Platform pods", "priorityClassName", ("priority-class", "system-namespace")),
    Row("callbacks", "Operators", "Lease", ("operator", "lease")),
)
DATA = (
    Row("data", "CloudNativePG", "cnpg.io/cluster", ("cloudnative-pg", "not-a-deployment", "operator-owned")),
    Row("data", "Zalando and Spilo", "spilo-role", ("spilo", "not-a-deployment")),
    Row("data", "Patroni", "role=primary|replica", ("patroni", "not-a-deployment")),
    Row("data", "Percona and Crunchy", "postgres-operator.crunchydata.com/role", ("crunchy-postgres",)),
    Row("data", "Percona MongoDB", "app.kubernetes.io/component=mongod", ("percona-mongodb",)),
    Row("data", "MongoDB community", "ownerReference MongoDBCommunity", ("mongodb-community", "operator-owned")),
    Row("data", "Redis failover", "redisfailovers-role", ("redis-failover",)),
    Row("data", "Strimzi Kafka", "strimzi.io/cluster", ("strimzi", "not-a-deployment")),
    Row("data", "RabbitMQ", "ownerReference RabbitmqCluster", ("rabbitmq", "operator-owned")),
    Row("data", "Elasticsearch", "common.k8s.elastic.co/type", ("elasticsearch", "not-a-deployment")),
    Row("data", "etcd, ZooKeeper, Consul, NATS, Vault", "StatefulSet", ("quorum", "replicated-data")),
    Row("data", "Governing Service", "StatefulSet serviceName", ("governing-service", "headless")),
)
DELIVERY = (
    Row("delivery", "Argo Rollouts", "Rollout", ("argo-rollout", "rollout-services", "not-a-deployment", "in-flight")),
    Row("delivery", "Argo Rollouts old ReplicaSets", "scale-down-deadline", ("rollout-rollback",)),
    Row("delivery", "Flagger", "Canary", ("flagger", "flagger-minimum")),
    Row("delivery", "Knative", "serving.knative.dev/service", ("knative", "operator-owned")),
    Row("delivery", "OpenKruise", "apps.kruise.io/specified-delete", ("kruise", "not-a-deployment")),
    Row("delivery", "Deployment in flight", "Deployment status", ("in-flight",)),
    Row("delivery", "Blue/green and versions", "pod labels", ("twin",)),
)
AVAILABILITY = (
    Row("availability", "Disruption budgets", "PodDisruptionBudget", ("disruption-budget",)),
    Row("availability", "Topology spread", "topologySpreadConstraints", ("topology-spread",)),
    Row("availability", "Pod anti-affinity", "podAntiAffinity", ("anti-affinity",)),
    Row("availability", "Leader election", "Lease holderIdentity", ("lease", "lease-candidate")),
    Row("availability", "Vertical autoscaler", "VerticalPodAutoscaler updatePolicy", ("vertical-autoscaler",)),
    Row("availability", "Autoscaler minimum", "HorizontalPodAutoscaler minReplicas", ("autoscaler-minimum",)),
    Row("availability", "KEDA minimum and fallback", "ScaledObject", ("autoscaler-minimum",)),
)
RARE = (
    Row("rare", "CronJob and Job targets", "CronJob template", ("cron-target", "cron-files")),
    Row("rare", "Alerting", "AlertmanagerConfig webhookConfigs", ("alert-receiver", "alert-target", "monitoring")),
    Row("rare", "Backup and restore", "velero.io/backup-name", ("backup-restore", "scheduled-backup")),
    Row("rare", "Callers outside", "Ingress rules", ("outside-callers",)),
    Row("rare", "Prometheus shards", "operator.prometheus.io/shard", ("prometheus-shard",)),
)
MARKS = (
    Row("marks", "Cluster autoscaler", "cluster-autoscaler.kubernetes.io/safe-to-evict", ("leave-alone",)),
    Row("marks", "Karpenter", "karpenter.sh/do-not-disrupt", ("leave-alone",)),
    Row("marks", "Descheduler", "descheduler.alpha.kubernetes.io/prefer-no-eviction", ("leave-alone",)),
    Row("marks", "kube-downscaler", "downscaler/exclude", ("downscaler-excluded",)),
    Row("marks", "kube-green", "SleepInfo excludeRef", ("sleep-excluded",)),
    Row("marks", "Kor", "kor/used", ("leave-alone",)),
    Row("marks", "Kruise delete protection", "policy.kruise.io/delete-protection", ("leave-alone",)),
    Row("marks", "Helm keep", "helm.sh/resource-policy", ("leave-alone",)),
    Row("marks", "Flux prune disabled", "kustomize.toolkit.fluxcd.io/prune", ("leave-alone",)),
    Row("marks", "Argo CD Prune=false", "argocd.argoproj.io/sync-options", ("leave-alone",)),
    Row("marks", "KEDA paused scale-in", "ScaledObject autoscaling.keda.sh/paused-scale-in", ("scale-in-paused",)),
    Row("marks", "HPA scale-down disabled", "HorizontalPodAutoscaler behavior", ("scale-down-disabled",)),
)

CATALOGUE: tuple[Row, ...] = (*ROUTING, *CALLBACKS, *DATA, *DELIVERY, *AVAILABILITY, *RARE, *MARKS)
