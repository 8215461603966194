"""The API server's moods: pages, expiry, refusals, overload, and nobody there."""

import json
from types import SimpleNamespace

import pytest
from urllib3.exceptions import ProtocolError

from microglia.model.kinds import BY_NAME
from microglia.model.ports import AbsentError, UnreadableError
from microglia.observe import kube as module
from microglia.observe.kube import KubernetesCluster, connect

PODS = BY_NAME["Pod"]


class Api:
    """A client whose replies are given: (status, body) or (status, body, headers), one per request."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = []

    def param_serialize(self, method, path, **how):
        return method, path, how

    def call_api(self, method, path, how, _request_timeout):
        self.asked.append((method, path, dict(how["query_params"]), how["post_params"], _request_timeout))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, body, *headers = reply
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return SimpleNamespace(status=status, headers=headers[0] if headers else {}, read=lambda: content)


def cluster(*replies, sleep=lambda _: None):
    api = Api(*replies)
    return api, KubernetesCluster(api, "test", sleep, lambda: 1782734400.0)


def page(names, token=""):
    return 200, {"metadata": {"continue": token}, "items": [{"metadata": {"name": name}} for name in names]}


def names(raws):
    return [raw["metadata"]["name"] for raw in raws]


def test_pages_are_joined():
    """A long list comes in pages of 500 and is whole at the end."""
    api, it = cluster(page("ab", "next"), page("c"))
    assert names(it.objects(PODS)) == ["a", "b", "c"]
    assert [query for _, _, query, _, _ in api.asked] == [{"limit": "500"}, {"limit": "500", "continue": "next"}]
    assert api.asked[0][4] == (5.0, 60.0)


def test_an_expired_list_is_read_anew():
    """A 410 on the way starts the list again: no page of the old one is kept."""
    _, it = cluster(page("ab", "next"), (410, {"message": "expired"}), page("xy", "more"), page("z"))
    assert names(it.objects(PODS)) == ["x", "y", "z"]


def test_a_list_that_always_expires_is_unreadable():
    """A list that never gets to its end is a blind spot, not a short list."""
    _, it = cluster(*[(410, {})] * 3)
    with pytest.raises(UnreadableError, match="list of pods expired 3 times"):
        it.objects(PODS)


def test_overload_is_waited_out(pauses):
    """After 429 and 5xx the list goes on: as long as Retry-After says, else twice as long each time, at most 30 s."""
    slept, sleep = pauses
    replies = [
        (429, {}, {"Retry-After": "3"}),
        (503, {}),
        (500, {}, {"Retry-After": "soon"}),
        (429, {}, {"Retry-After": "900"}),
    ]
    _, it = cluster(*replies, page("a"), sleep=sleep)
    assert names(it.objects(PODS)) == ["a"]
    assert slept == [3.0, 1.0, 2.0, 30.0]


def test_lasting_overload_is_told():
    """Five refusals are enough: the error has the server's words."""
    _, it = cluster(*[(503, {"message": "etcd is down"})] * 5)
    with pytest.raises(UnreadableError, match=r"cannot list pods: the API server answered 503 \(etcd is down\)"):
        it.objects(PODS)


def test_forbidden_says_how_to_grant_it():
    """A 403 names what may not be done, in the server's words, and the command that grants it."""
    _, it = cluster((403, {"message": 'User "me" cannot list pods'}))
    with pytest.raises(UnreadableError) as error:
        it.objects(PODS)
    assert 'cannot list pods (forbidden: User "me" cannot list pods)' in str(error.value)
    assert "microglia doctor --rbac | kubectl apply -f -" in str(error.value)


def test_no_such_kind():
    """A 404 means that the kind is not installed."""
    _, it = cluster((404, b"404 page not found"))
    with pytest.raises(AbsentError):
        it.objects(BY_NAME["Sidecar"])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((401, {"message": "Unauthorized"}), "refused the credentials"),
        ((200, b"<html>"), "is no JSON"),
        ((200, [1]), "is no JSON object"),
        (ProtocolError("connection reset"), "does not answer: connection reset"),
        (OSError("no route"), "does not answer: no route"),
    ],
)
def test_what_is_no_api_server(reply, words):
    """Wrong credentials, a login page or a dead connection: each says what to try."""
    _, it = cluster(reply)
    with pytest.raises(UnreadableError, match=words):
        it.facts()


def test_facts():
    """The cluster is known by the uid of kube-system and its version."""
    _, it = cluster((200, {"gitVersion": "v1.36.3"}), (200, {"metadata": {"uid": "u-1"}}))
    facts = it.facts()
    assert (facts.uid, facts.name, facts.version, facts.ahead) == ("u-1", "test", "v1.36.3", None)


def test_the_clock_of_the_api_server_is_compared():
    """It dates every reply; by how much it is ahead of ours is told with the facts."""
    dated = {"Date": "Mon, 29 Jun 2026 12:05:00 GMT"}
    _, it = cluster((200, {"gitVersion": "v1.36.3"}, dated), (403, {"message": "no"}))
    assert it.facts().ahead == 300.0


def test_facts_without_sight_of_kube_system():
    """Whoever may not read kube-system still learns the version."""
    _, it = cluster((200, {"gitVersion": "v1.36.3"}), (403, {"message": "no"}))
    assert it.facts().uid == ""


def test_raw_requests():
    """The service proxy is asked as it is: query in the address, form in the body, any status handed back."""
    api, it = cluster((200, b"one", {"Content-Type": "x"}), (403, b"two"))
    got, posted = it.get("/p", {"a": "b"}), it.post("/p", {"query": "up"})
    assert (got.status, got.headers, got.body) == (200, {"content-type": "x"}, b"one")
    assert (posted.status, posted.body) == (403, b"two")
    assert api.asked[0][:3] == ("GET", "/p", {"a": "b"})
    assert api.asked[1][3] == [("query", "up")]
    assert it.api is api


CONFIG = """\
apiVersion: v1
kind: Config
current-context: one
contexts:
- {{name: one, context: {{cluster: c, user: u}}}}
- {{name: two, context: {{cluster: c, user: u}}}}
clusters:
- {{name: c, cluster: {{server: "{url}"}}}}
users:
- {{name: u, user: {{token: secret}}}}
"""


@pytest.fixture
def kubeconfig(stub, tmp_path):
    path = tmp_path / "config"
    path.write_text(CONFIG.format(url=stub.url))
    return path


def test_connecting_by_file(stub, kubeconfig):
    """A kubeconfig leads to its server, under the name of its current context, with its token."""
    stub.pages["/version"] = (200, {}, b'{"gitVersion": "v1.36.3"}')
    facts = connect(None, kubeconfig).facts()
    assert (facts.name, facts.version) == ("one", "v1.36.3")
    assert {key.lower(): value for key, value in stub.requests[0][3].items()}["authorization"] == "Bearer secret"


def test_connecting_by_context(kubeconfig, monkeypatch, stub):
    """--context chooses within KUBECONFIG."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    stub.pages["/version"] = (200, {}, b"{}")
    assert connect("two").facts().name == "two"


@pytest.mark.parametrize(("context", "words"), [("three", "three"), (None, "Service host/port is not set")])
def test_no_such_cluster(context, words, kubeconfig, monkeypatch, tmp_path):
    """A context that is not there, and no configuration at all, are errors that say how to name one."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with pytest.raises(UnreadableError, match=rf"(?s)no cluster to look at.*{words}.*--context"):
        connect(context, kubeconfig if context else None)


def test_the_reason_is_followed_by_one_full_stop(monkeypatch, tmp_path):
    """What the client says ends with a full stop of its own."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UnreadableError) as error:
        connect()
    assert ".. " not in str(error.value)
    assert ". Name one with --context or KUBECONFIG" in str(error.value)


def test_in_the_cluster(monkeypatch, tmp_path, stub):
    """Without any kubeconfig the pod's own service account is used."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def load(client_configuration):
        client_configuration.host = stub.url

    monkeypatch.setattr(module.config, "load_incluster_config", load)
    stub.pages["/version"] = (200, {}, b"{}")
    assert connect().facts().name == "in-cluster"
