"""Kinds whose specs may hold secrets lose them before anything is kept."""

from microglia.observe.trim import trimmed


def test_a_rollout_template_is_trimmed_like_any_other() -> None:
    """Environment values never get past; the hosts that they mention do."""
    container = {"name": "app", "env": [{"name": "URL", "value": "http://b.c.svc/?token=secret"}]}
    raw = {
        "metadata": {"name": "a", "namespace": "n"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
    }
    kept = trimmed("Rollout", raw)
    assert "secret" not in str(kept)
    assert kept["found"] == {"hosts": ["b.c.svc.cluster.local"]}
    assert kept["spec"]["replicas"] == 2


def test_alert_receivers_keep_their_hosts_alone() -> None:
    """Addresses carry users, passwords and tokens; texts that are no address say nothing."""
    receivers = [{"name": "x", "webhookConfigs": [{"url": "http://me:pw@hook.alerts.svc:80/token"}], "repeat": 3}]
    kept = trimmed(
        "AlertmanagerConfig", {"metadata": {"name": "a", "namespace": "n"}, "spec": {"receivers": receivers}}
    )
    assert kept["spec"] == {"hosts": ["hook.alerts.svc"]}
    field = "spec.receivers[0].webhookConfigs[0].url"
    assert kept["found"] == {"addresses": [{"field": field, "host": "hook.alerts.svc"}]}
    assert trimmed("AlertmanagerConfig", {"spec": {"receivers": [{"name": "x"}]}})["spec"] == {"hosts": []}


def test_a_prometheus_keeps_where_it_sends_alerts() -> None:
    """And neither its remote writes nor its credentials."""
    targets = [{"namespace": "alerts", "name": "am", "port": "web", "basicAuth": {"password": {"name": "s"}}}]
    spec = {"alerting": {"alertmanagers": targets}, "remoteWrite": [{"url": "http://u:p@x"}]}
    kept = trimmed("Prometheus", {"metadata": {"name": "p", "namespace": "n"}, "spec": spec})
    assert kept["spec"] == {"alerting": {"alertmanagers": [{"name": "am", "namespace": "alerts", "port": "web"}]}}
    assert trimmed("Prometheus", {"metadata": {"name": "p"}})["spec"] == {}


def test_files_of_a_job_are_kept_by_name_alone() -> None:
    """Mounted, projected and taken as environment; certificates that every pod is given say nothing."""
    container = {
        "name": "c",
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "login"}}],
        "env": [
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "k"}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "token", "key": "k"}}},
            {"name": "C", "value": "plain"},
        ],
    }
    volumes = [
        {"name": "a", "secret": {"secretName": "db"}},
        {"name": "b", "configMap": {"name": "kube-root-ca.crt"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "pair"}}, {"configMap": {"name": "book"}}]}},
        {"name": "d", "emptyDir": {}},
    ]
    template = {"spec": {"volumes": volumes, "initContainers": [container], "containers": [{"name": "d"}]}}
    cron = trimmed("CronJob", {"metadata": {"name": "a"}, "spec": {"jobTemplate": {"spec": {"template": template}}}})
    files = ["ConfigMap book", "ConfigMap flags", "ConfigMap settings", "Secret db", "Secret login", "Secret pair"]
    assert cron["found"]["files"] == [*files, "Secret token"]
    assert trimmed("Job", {"spec": {"template": template}})["found"]["files"] == cron["found"]["files"]
    assert "files" not in trimmed("Deployment", {"spec": {"template": template}})["found"]


def test_scaled_objects_lose_their_triggers() -> None:
    """Trigger metadata may hold connection strings; bounds and target are what is read."""
    spec = {"scaleTargetRef": {"name": "a"}, "minReplicaCount": 2, "triggers": [{"metadata": {"url": "amqp://u:p@q"}}]}
    kept = trimmed("ScaledObject", {"metadata": {"name": "a", "namespace": "n"}, "spec": spec})
    assert kept["spec"] == {"scaleTargetRef": {"name": "a"}, "minReplicaCount": 2}


def test_policies_of_envoy_gateway_keep_their_fallbacks_alone() -> None:
    """They may hold environment, credentials and headers; which Services stand in for others is what is read."""
    references = [{"name": "main", "port": 80}, {"name": "spare", "namespace": "auth", "port": 80, "fallback": True}]
    spec = {"extAuth": {"grpc": {"backendRefs": references}, "headers": ["hunter2"]}, "fallback": True}
    kept = trimmed("SecurityPolicy", {"metadata": {"name": "a", "namespace": "n"}, "spec": spec})
    assert kept == {
        "metadata": {"name": "a", "namespace": "n"},
        "found": {"fallbacks": [{"field": "spec.extAuth.grpc.backendRefs[1]", "name": "spare", "namespace": "auth"}]},
    }
    env = {"provider": {"kubernetes": {"envoyDeployment": {"container": {"env": [{"value": "hunter2"}]}}}}}
    assert "hunter2" not in str(trimmed("EnvoyProxy", {"metadata": {"name": "a"}, "spec": env}))
    assert trimmed("EnvoyExtensionPolicy", {"metadata": {"name": "a"}}) == {"metadata": {"name": "a"}}
