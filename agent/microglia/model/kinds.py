"""Every Kubernetes kind that microglia looks at: where it lives, and what its absence from sight would hide."""

from dataclasses import dataclass
from typing import Literal

Hides = Literal["workloads", "services", "zones", "floors", "routes", "owners", "callers", "nothing"]
"""What cannot be decided when a kind is forbidden: see ``protect.blind``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One listed kind. ``optional`` kinds come from a CRD: absent is normal, forbidden is a blind spot."""

    name: str
    group: str
    version: str
    plural: str
    hides: Hides
    namespaced: bool = True
    optional: bool = False

    @property
    def path(self) -> str:
        """The list path of all namespaces, below the API server's root."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/{self.plural}"


KINDS: tuple[Kind, ...] = (
    Kind("Namespace", "", "v1", "namespaces", "owners", namespaced=False),
    Kind("Node", "", "v1", "nodes", "zones", namespaced=False),
    Kind("Pod", "", "v1", "pods", "workloads"),
    Kind("Service", "", "v1", "services", "services"),
    Kind("ResourceQuota", "", "v1", "resourcequotas", "nothing"),
    Kind("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", "services"),
    Kind("Deployment", "apps", "v1", "deployments", "workloads"),
    Kind("ReplicaSet", "apps", "v1", "replicasets", "workloads"),
    Kind("StatefulSet", "apps", "v1", "statefulsets", "workloads"),
    Kind("DaemonSet", "apps", "v1", "daemonsets", "workloads"),
    Kind("Job", "batch", "v1", "jobs", "callers"),
    Kind("CronJob", "batch", "v1", "cronjobs", "callers"),
    Kind("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", "owners"),
    Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", "floors"),
    Kind("Lease", "coordination.k8s.io", "v1", "leases", "floors"),
    Kind("Ingress", "networking.k8s.io", "v1", "ingresses", "callers"),
    Kind("PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", "nothing", namespaced=False),
    Kind("ValidatingWebhookConfiguration", "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
         "callers", namespaced=False),
    Kind("MutatingWebhookConfiguration", "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
         "callers", namespaced=False),
    Kind("APIService", "apiregistration.k8s.io", "v1", "apiservices", "callers", namespaced=False),
    Kind("CustomResourceDefinition", "apiextensions.k8s.io", "v1", "customresourcedefinitions", "callers",
         namespaced=False),
    Kind("Sidecar", "networking.istio.io", "v1", "sidecars", "routes", optional=True),
    Kind("DestinationRule", "networking.istio.io", "v1", "destinationrules", "callers", optional=True),
    Kind("VirtualService", "networking.istio.io", "v1", "virtualservices", "callers", optional=True),
    Kind("ServiceEntry", "networking.istio.io", "v1", "serviceentries", "callers", optional=True),
    Kind("WorkloadEntry", "networking.istio.io", "v1", "workloadentries", "callers", optional=True),
    Kind("HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes", "callers", optional=True),
    Kind("GRPCRoute", "gateway.networking.k8s.io", "v1", "grpcroutes", "callers", optional=True),
    Kind("WorkloadGroup", "networking.istio.io", "v1", "workloadgroups", "callers", optional=True),
    Kind("TCPRoute", "gateway.networking.k8s.io", "v1alpha2", "tcproutes", "callers", optional=True),
    Kind("TLSRoute", "gateway.networking.k8s.io", "v1alpha2", "tlsroutes", "callers", optional=True),
    Kind("UDPRoute", "gateway.networking.k8s.io", "v1alpha2", "udproutes", "callers", optional=True),
    Kind("ServiceExport", "multicluster.x-k8s.io", "v1alpha1", "serviceexports", "callers", optional=True),
    Kind("ServiceImport", "multicluster.x-k8s.io", "v1alpha1", "serviceimports", "callers", optional=True),
    Kind("Backend", "gateway.envoyproxy.io", "v1alpha1", "backends", "callers", optional=True),
    Kind("TraefikService", "traefik.io", "v1alpha1", "traefikservices", "callers", optional=True),
    Kind("TrafficSplit", "split.smi-spec.io", "v1alpha2", "trafficsplits", "callers", optional=True),
    Kind("ServiceResolver", "consul.hashicorp.com", "v1alpha1", "serviceresolvers", "callers", optional=True),
    Kind("MeshLoadBalancingStrategy", "kuma.io", "v1alpha1", "meshloadbalancingstrategies", "callers", optional=True),
    Kind("Gslb", "k8gb.absa.oss", "v1beta1", "gslbs", "callers", optional=True),
    Kind("AlertmanagerConfig", "monitoring.coreos.com", "v1alpha1", "alertmanagerconfigs", "callers", optional=True),
    Kind("Application", "argoproj.io", "v1alpha1", "applications", "nothing", optional=True),
    Kind("Rollout", "argoproj.io", "v1alpha1", "rollouts", "owners", optional=True),
    Kind("Canary", "flagger.app", "v1beta1", "canaries", "owners", optional=True),
    Kind("ScaledObject", "keda.sh", "v1alpha1", "scaledobjects", "owners", optional=True),
    Kind("SleepInfo", "kube-green.com", "v1alpha1", "sleepinfos", "owners", optional=True),
    Kind("VerticalPodAutoscaler", "autoscaling.k8s.io", "v1", "verticalpodautoscalers", "floors", optional=True),
    Kind("PruningPolicy", "microglia.dev", "v1alpha1", "pruningpolicies", "owners", namespaced=False, optional=True),
    Kind("Protection", "microglia.dev", "v1alpha1", "protections", "callers", optional=True),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
