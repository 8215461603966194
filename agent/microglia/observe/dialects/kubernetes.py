"""cAdvisor and kube-state-metrics: what pods use, where they ran, and since when things exist."""

from microglia.observe.dialects.expressions import Expression

CADVISOR = "cadvisor"
STATE = "kube-state-metrics"
_CONTAINERS = 'container!="",container!="POD"$scope'


def _marked(name: str, expression: str) -> str:
    return f'label_replace({expression}, "what", "{name}", "", "")'


def _ready(kind: str, metric: str) -> str:
    series = f"avg by (namespace, {kind}) (avg_over_time({metric}{{{_SCOPE}}}[1h]))"
    return _marked("ready", f'label_replace({series}, "workload", "$$1", "{kind}", "(.+)")')


# The matcher stands first here: a selector may not begin with a comma.
_SCOPE = 'namespace=~".*"$scope'

CPU = Expression(
    "cpu",
    "hour",
    f"sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{{{_CONTAINERS}}}[$hour]))",
)
CPU_PEAKS = Expression(
    "cpu_peaks",
    "slot",
    f"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{{_CONTAINERS}}}[$peak]))",
)
USE = Expression(
    "use",
    "hour",
    f"""{
        _marked(
            "memory",
            f'''
  sum by (namespace, pod) (max_over_time(container_memory_working_set_bytes{{{_CONTAINERS}}}[1h]))''',
        )
    }
or {
        _marked(
            "throttled",
            f'''
  sum by (namespace, pod) (increase(container_cpu_cfs_throttled_periods_total{{{_CONTAINERS}}}[$hour]))''',
        )
    }
or {
        _marked(
            "periods",
            f'''
  sum by (namespace, pod) (increase(container_cpu_cfs_periods_total{{{_CONTAINERS}}}[$hour])) > 0''',
        )
    }""",
)
PLACES = Expression(
    "places",
    "hour",
    f"""{_ready("deployment", "kube_deployment_status_replicas_ready")}
or {_ready("statefulset", "kube_statefulset_status_replicas_ready")}
or {_ready("daemonset", "kube_daemonset_status_number_ready")}
or {
        _marked(
            "scaled",
            f'''label_replace(
  sum by (namespace, deployment) (changes(kube_deployment_spec_replicas{{{_SCOPE}}}[$hour])) > 0,
  "workload", "$$1", "deployment", "(.+)")''',
        )
    }
or {
        _marked(
            "pod",
            f'''
  max by (namespace, pod, node, created_by_kind, created_by_name) (
    count_over_time(kube_pod_info{{{_SCOPE}}}[1h]))''',
        )
    }
or {
        _marked(
            "node",
            '''
  max by (node) (count_over_time(kube_node_created{node!=""$scope}[1h]))''',
        )
    }
or {
        _marked(
            "unready",
            '''
  max by (node) (
    min_over_time(kube_node_status_condition{condition="Ready",status="true"$scope}[1h])) < 1''',
        )
    }""",
)
EXPRESSIONS = (CPU, CPU_PEAKS, USE, PLACES)

BORN = "\nor ".join(
    _marked(
        kind,
        f"label_replace(max by (namespace, {kind}) (last_over_time(kube_{kind}_created{{{_SCOPE}}}[3h])),"
        f' "name", "$$1", "{kind}", "(.+)")',
    )
    for kind in ("deployment", "statefulset", "daemonset", "cronjob", "service")
)
PRESENT = 'count(last_over_time(container_cpu_usage_seconds_total{container!="",container!="POD"$scope}[1h]))'
STATE_PRESENT = f"count(last_over_time(kube_pod_info{{{_SCOPE}}}[1h]))"
