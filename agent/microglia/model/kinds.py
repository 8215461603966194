"""Every Kubernetes kind that microglia looks at: where it lives, and what its absence from sight would hide."""

from dataclasses import dataclass, replace
from typing import Literal

Hides = Literal["workloads", "services", "zones", "floors", "routes", "owners", "callers", "nothing"]
"""What cannot be decided when a kind is forbidden: see ``protect.blind``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One listed kind. ``optional`` kinds come from a CRD: absent is normal, forbidden is a blind spot.

    ``also`` names where else it may be served: another version, or ``group/version`` where it had another group.
    """

    name: str
    group: str
    version: str
    plural: str
    hides: Hides
    namespaced: bool = True
    optional: bool = False
    also: tuple[str, ...] = ()

    @property
    def places(self) -> tuple["Kind", ...]:
        """Itself, then the same under every other version and group that may serve it. Versions of one group show the
        same objects, groups may each have their own."""
        others = [self._elsewhere(*place.rpartition("/")[::2]) for place in self.also]
        return (self, *others)

    def _elsewhere(self, group: str, version: str) -> "Kind":
        return replace(self, group=group or self.group, version=version, also=())

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
    Kind("LeaseCandidate", "coordination.k8s.io", "v1beta1", "leasecandidates", "floors", optional=True),
    Kind("Ingress", "networking.k8s.io", "v1", "ingresses", "callers"),
    Kind("PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", "nothing", namespaced=False),
    Kind("ValidatingWebhookConfiguration", "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
         "callers", namespaced=False),
    Kind("MutatingWebhookConfiguration", "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
         "callers", namespaced=False),
    Kind("APIService", "apiregistration.k8s.io", "v1", "apiservices", "callers", namespaced=False),
    Kind("CustomResourceDefinition", "apiextensions.k8s.io", "v1", "customresourcedefinitions", "callers",
         namespaced=False),
    Kind("Sidecar", "networking.istio.io", "v1", "sidecars", "routes", optional=True, also=("v1beta1",)),
    Kind("DestinationRule", "networking.istio.io", "v1", "destinationrules", "callers",
         optional=True, also=("v1beta1",)),
    Kind("VirtualService", "networking.istio.io", "v1", "virtualservices", "callers", optional=True, also=("v1beta1",)),
    Kind("ServiceEntry", "networking.istio.io", "v1", "serviceentries", "callers", optional=True, also=("v1beta1",)),
    Kind("WorkloadEntry", "networking.istio.io", "v1", "workloadentries", "callers", optional=True, also=("v1beta1",)),
    Kind("HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes", "callers", optional=True, also=("v1beta1",)),
    Kind("GRPCRoute", "gateway.networking.k8s.io", "v1", "grpcroutes", "callers", optional=True, also=("v1alpha2",)),
    Kind("WorkloadGroup", "networking.istio.io", "v1", "workloadgroups", "callers", optional=True, also=("v1beta1",)),
    Kind("TCPRoute", "gateway.networking.k8s.io", "v1alpha2", "tcproutes", "callers", optional=True, also=("v1",)),
    Kind("TLSRoute", "gateway.networking.k8s.io", "v1alpha2", "tlsroutes", "callers",
         optional=True, also=("v1", "v1alpha3")),
    Kind("UDPRoute", "gateway.networking.k8s.io", "v1alpha2", "udproutes", "callers", optional=True, also=("v1",)),
    Kind("ServiceExport", "multicluster.x-k8s.io", "v1alpha1", "serviceexports", "callers",
         optional=True, also=("v1beta1",)),
    Kind("ServiceImport", "multicluster.x-k8s.io", "v1alpha1", "serviceimports", "callers",
         optional=True, also=("v1beta1",)),
    Kind("Backend", "gateway.envoyproxy.io", "v1alpha1", "backends", "callers", optional=True),
    Kind("TraefikService", "traefik.io", "v1alpha1", "traefikservices", "callers",
         optional=True, also=("traefik.containo.us/v1alpha1",)),
    Kind("TrafficSplit", "split.smi-spec.io", "v1alpha2", "trafficsplits", "callers",
         optional=True, also=("v1alpha1", "v1alpha4")),
    Kind("ServiceResolver", "consul.hashicorp.com", "v1alpha1", "serviceresolvers", "callers", optional=True),
    Kind("MeshLoadBalancingStrategy", "kuma.io", "v1alpha1", "meshloadbalancingstrategies", "callers", optional=True),
    Kind("Gslb", "k8gb.absa.oss", "v1beta1", "gslbs", "callers", optional=True, also=("k8gb.io/v1beta1",)),
    Kind("ServiceSplitter", "consul.hashicorp.com", "v1alpha1", "servicesplitters", "callers", optional=True),
    Kind("SamenessGroup", "consul.hashicorp.com", "v1alpha1", "samenessgroups", "callers", optional=True),
    Kind("ExportedServices", "consul.hashicorp.com", "v1alpha1", "exportedservices", "callers", optional=True),
    Kind("SecurityPolicy", "gateway.envoyproxy.io", "v1alpha1", "securitypolicies", "callers", optional=True),
    Kind("EnvoyExtensionPolicy", "gateway.envoyproxy.io", "v1alpha1", "envoyextensionpolicies", "callers",
         optional=True),
    Kind("EnvoyProxy", "gateway.envoyproxy.io", "v1alpha1", "envoyproxies", "callers", optional=True),
    Kind("AlertmanagerConfig", "monitoring.coreos.com", "v1alpha1", "alertmanagerconfigs", "callers", optional=True),
    Kind("Prometheus", "monitoring.coreos.com", "v1", "prometheuses", "callers", optional=True),
    Kind("ScheduledBackup", "postgresql.cnpg.io", "v1", "scheduledbackups", "callers", optional=True),
    Kind("Application", "argoproj.io", "v1alpha1", "applications", "nothing", optional=True),
    Kind("HelmRelease", "helm.toolkit.fluxcd.io", "v2", "helmreleases", "nothing", optional=True),
    Kind("Rollout", "argoproj.io", "v1alpha1", "rollouts", "owners", optional=True),
    Kind("Canary", "flagger.app", "v1beta1", "canaries", "owners", optional=True),
    Kind("ScaledObject", "keda.sh", "v1alpha1", "scaledobjects", "owners", optional=True),
    Kind("SleepInfo", "kube-green.com", "v1alpha1", "sleepinfos", "owners", optional=True),
    Kind("VerticalPodAutoscaler", "autoscaling.k8s.io", "v1", "verticalpodautoscalers", "floors", optional=True),
    Kind("PruningPolicy", "microglia.dev", "v1alpha1", "pruningpolicies", "owners", namespaced=False, optional=True),
    Kind("Protection", "microglia.dev", "v1alpha1", "protections", "callers", optional=True),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
