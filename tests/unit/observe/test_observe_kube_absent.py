"""A list that is forbidden says nothing about whether the kind is installed."""

import json
from types import SimpleNamespace

import pytest

from microglia.model.kinds import BY_NAME
from microglia.model.ports import AbsentError, UnreadableError
from microglia.observe.kube import KubernetesCluster

SPLITS = BY_NAME["TrafficSplit"]


class Api:
    """Forbids every list; ``discovery`` is the (status, body) of the group's page."""

    def __init__(self, discovery):
        self.discovery = discovery
        self.asked = []

    def param_serialize(self, method, path, **_):
        return method, path

    def call_api(self, method, path, _request_timeout):
        self.asked.append(path)
        status, body = self.discovery if path == "/apis/split.smi-spec.io/v1alpha2" else (403, {"message": "no"})
        return SimpleNamespace(status=status, headers={}, read=lambda: json.dumps(body).encode())


@pytest.mark.parametrize("discovery", [(404, {}), (200, {"resources": [{"name": "others"}]})])
def test_a_forbidden_kind_that_is_not_installed_is_absent(discovery):
    """The API server refuses before it looks; discovery tells that there is nothing to see."""
    with pytest.raises(AbsentError):
        KubernetesCluster(Api(discovery), "test", lambda _: None).objects(SPLITS)


@pytest.mark.parametrize("discovery", [(200, {"resources": [{"name": "trafficsplits"}]}), (403, {"message": "no"})])
def test_a_forbidden_kind_that_may_be_installed_is_a_blind_spot(discovery):
    """It is there, or nobody will say: then it may hide a standby."""
    with pytest.raises(UnreadableError, match="cannot list trafficsplits"):
        KubernetesCluster(Api(discovery), "test", lambda _: None).objects(SPLITS)


def test_kinds_of_kubernetes_itself_are_not_asked_for_twice():
    """Pods are always served: forbidden is forbidden."""
    api = Api((404, {}))
    with pytest.raises(UnreadableError):
        KubernetesCluster(api, "test", lambda _: None).objects(BY_NAME["Pod"])
    assert len(api.asked) == 1
