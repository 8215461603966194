"""The requests that reach the API server, and what its answers become."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3
from kubernetes.client import ApiClient, Configuration

from microglia.act.cluster import ApiCluster, selector_text
from microglia.model.kinds import BY_NAME
from microglia.model.ports import AbsentError, ConflictError, ForbiddenError, GoneError, UnreadableError
from microglia.plan.object import PLAN_KIND
from tests.unit.act.changes import body

POD = {"metadata": {"namespace": "shop", "name": "cart-1", "uid": "u1", "resourceVersion": "7"}}
CART = {
    "kind": "Deployment",
    "metadata": {"namespace": "shop", "name": "cart", "uid": "u2", "resourceVersion": "8", "labels": {"a": "b"}},
}
SIDECAR = BY_NAME["Sidecar"]


@dataclass
class Reply:
    status: int
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Pool:
    """Answers in order, the last one for ever; keeps the requests."""

    replies: list[Reply | Exception]
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def request(self, method: str, url: str, body: str | None = None, **options: Any) -> Reply:
        self.requests.append((method, url, None if body is None else json.loads(body)))
        self.options.append(options)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def cluster(*replies: Reply | Exception) -> tuple[ApiCluster, Pool, list[float]]:
    settings = Configuration(host="https://api.test")
    settings.api_key["authorization"] = "Bearer token"
    api, pool, sleeps = ApiClient(settings), Pool(list(replies)), list[float]()
    api.rest_client.pool_manager = pool
    return ApiCluster(api, sleeps.append), pool, sleeps


def ok(value: Any) -> Reply:
    return Reply(200, json.dumps(value).encode())


def no(status: int, message: str = "said the server", **headers: str) -> Reply:
    return Reply(status, json.dumps({"kind": "Status", "message": message}).encode(), headers)


def test_reading_asks_for_one_object_with_the_connections_credentials() -> None:
    """Path, token, timeouts of 5 s and 60 s, and none of the client's own retries."""
    api, pool, _ = cluster(ok(CART))
    assert api.read(BY_NAME["Deployment"], "shop", "cart") == CART
    assert pool.requests == [("GET", "https://api.test/apis/apps/v1/namespaces/shop/deployments/cart", None)]
    assert pool.options[0]["headers"]["authorization"] == "Bearer token"
    assert (pool.options[0]["timeout"].connect_timeout, pool.options[0]["timeout"].read_timeout) == (5, 60)
    assert pool.options[0]["retries"] is False


def test_core_and_cluster_scoped_kinds_have_their_paths() -> None:
    """Pods are in the core group, nodes in no namespace."""
    api, pool, _ = cluster(ok({}))
    api.read(BY_NAME["Pod"], "shop", "cart-1")
    api.read(BY_NAME["Node"], "", "node-a")
    assert [url.removeprefix("https://api.test") for _, url, _ in pool.requests] == [
        "/api/v1/namespaces/shop/pods/cart-1",
        "/api/v1/nodes/node-a",
    ]


def test_what_is_not_there_is_none() -> None:
    """404 on a read is an answer."""
    api, _, _ = cluster(no(404))
    assert api.read(SIDECAR, "shop", "x") is None


def test_a_rollout_is_scaled_by_its_own_scale() -> None:
    """Where the kind says so, and nowhere else."""
    api, pool, _ = cluster(ok({"kind": "Scale"}))
    api.scale(CART, 4, BY_NAME["Rollout"])
    (_, url, _) = pool.requests[0]
    assert url.endswith("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/cart/scale?fieldManager=microglia")


def test_scaling_sends_uid_and_resource_version_as_our_manager() -> None:
    """PUT of a Scale with both preconditions and nothing else."""
    api, pool, _ = cluster(ok({"kind": "Scale"}))
    assert api.scale(CART, 4) == {"kind": "Scale"}
    (method, url, sent) = pool.requests[0]
    assert method == "PUT"
    assert url.endswith("/apis/apps/v1/namespaces/shop/deployments/cart/scale?fieldManager=microglia")
    assert sent == {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "cart", "namespace": "shop", "uid": "u2", "resourceVersion": "8"},
        "spec": {"replicas": 4},
    }


def test_sidecars_are_created_replaced_and_deleted_with_preconditions() -> None:
    """POST to the collection, PUT with what the body carries, DELETE with uid and resourceVersion."""
    api, pool, _ = cluster(ok({"made": True}))
    there = {
        **body("cart", "mail"),
        "metadata": {**body("cart", "mail")["metadata"], "uid": "u", "resourceVersion": "3"},
    }
    assert api.create(SIDECAR, body("cart", "mail")) == {"made": True}
    assert api.replace(SIDECAR, there) == {"made": True}
    api.delete(SIDECAR, there)
    root = "https://api.test/apis/networking.istio.io/v1/namespaces/shop/sidecars"
    assert pool.requests == [
        ("POST", f"{root}?fieldManager=microglia", body("cart", "mail")),
        ("PUT", f"{root}/microglia-cart?fieldManager=microglia", there),
        (
            "DELETE",
            f"{root}/microglia-cart",
            {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "u", "resourceVersion": "3"}},
        ),
    ]


def test_annotating_is_a_merge_of_a_pod_of_this_uid() -> None:
    """None stays in the body: it removes."""
    api, pool, _ = cluster(ok({}))
    api.annotate_pod(POD, {"a": "1", "b": None})
    (method, url, sent) = pool.requests[0]
    assert (method, url) == ("PATCH", "https://api.test/api/v1/namespaces/shop/pods/cart-1?fieldManager=microglia")
    assert sent == {"metadata": {"uid": "u1", "annotations": {"a": "1", "b": None}}}
    assert pool.options[0]["headers"]["Content-Type"] == "application/merge-patch+json"


def test_pods_are_selected_by_the_server() -> None:
    """The LabelSelector becomes a query; a list without items is empty."""
    api, pool, _ = cluster(ok({"items": [POD]}), ok({"items": None}))
    assert api.pods("shop", {"matchLabels": {"app": "cart"}}) == (POD,)
    assert api.pods("shop", {}) == ()
    assert pool.requests[0][1] == "https://api.test/api/v1/namespaces/shop/pods?labelSelector=app%3Dcart"


def test_every_form_of_a_selector_is_understood() -> None:
    """All four operators, sorted."""
    terms = [
        {"key": "tier", "operator": "In", "values": ["web", "api"]},
        {"key": "env", "operator": "NotIn", "values": ["dev"]},
        {"key": "team", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    found = selector_text({"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": terms})
    assert found == "a=1,b=2,tier in (api,web),env notin (dev),team,!old"


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (409, ConflictError, "said the server"),
        (404, GoneError, "said the server"),
        (403, ForbiddenError, "said the server"),
        (401, ForbiddenError, "log in to the cluster again"),
        (422, ForbiddenError, "said the server"),
        (410, UnreadableError, "try again later"),
        (500, UnreadableError, "API server's health"),
        (504, UnreadableError, "API server's health"),
        (302, UnreadableError, "API server's health"),
    ],
)
def test_a_refused_write_is_not_repeated(status: int, error: type[Exception], words: str) -> None:
    """Each status is one of the port's errors, with the request and the server's words; it was sent once."""
    api, pool, sleeps = cluster(no(status))
    with pytest.raises(error, match=words) as caught:
        api.scale(CART, 4)
    assert str(caught.value).startswith("PUT /apis/apps/v1/namespaces/shop/deployments/cart/scale: ")
    assert (len(pool.requests), sleeps) == (1, [])


def test_a_patch_of_another_object_is_a_conflict() -> None:
    """The API server answers a patch with another uid with 422 about that field; other 422 are refusals."""
    causes = {"causes": [{"field": "metadata.uid", "message": "field is immutable"}]}
    uid = json.dumps({"message": "is invalid", "details": causes}).encode()
    api, _, _ = cluster(Reply(422, uid), Reply(422, b"not JSON"))
    with pytest.raises(ConflictError, match="is invalid; the object changed, or was replaced"):
        api.annotate_pod(POD, {})
    with pytest.raises(ForbiddenError, match="not JSON"):
        api.annotate_pod(POD, {})


def test_a_busy_server_is_asked_again_after_a_pause() -> None:
    """429 means that nothing was done: also a write is repeated, after the pause that the server asks for, if sane."""
    replies = (no(429), no(429, **{"Retry-After": "3"}), no(429, **{"Retry-After": "900"}), ok({"kind": "Scale"}))
    api, pool, sleeps = cluster(*replies)
    assert api.scale(CART, 4) == {"kind": "Scale"}
    assert sleeps == [0.5, 3.0, 30.0]
    assert len(pool.requests) == 4


def test_a_server_that_stays_busy_is_given_up() -> None:
    """Five attempts with growing pauses."""
    api, pool, sleeps = cluster(no(429))
    with pytest.raises(UnreadableError, match="the API server is busy, try again later"):
        api.scale(CART, 4)
    assert (len(pool.requests), sleeps) == (5, [0.5, 1.0, 2.0, 4.0])


def test_a_read_is_repeated_after_passing_failures() -> None:
    """5xx and a lost connection, then the answer."""
    lost = urllib3.exceptions.ProtocolError("reset")
    api, _, sleeps = cluster(no(503), lost, no(500), ok(CART))
    assert api.read(BY_NAME["Deployment"], "shop", "cart") == CART
    assert sleeps == [0.5, 1.0, 2.0]


def test_a_read_that_nobody_answers_names_the_server() -> None:
    """Five attempts, then an error that says where it went."""
    api, pool, _ = cluster(urllib3.exceptions.ProtocolError("refused"))
    with pytest.raises(UnreadableError, match=r"did not answer: refused; check the connection to https://api\.test"):
        api.read(SIDECAR, "shop", "x")
    assert len(pool.requests) == 5


def test_a_write_whose_reply_was_lost_is_not_repeated() -> None:
    """It may have happened: whoever asked must look."""
    api, pool, _ = cluster(urllib3.exceptions.ProtocolError("slow"))
    with pytest.raises(UnreadableError, match="did not answer"):
        api.scale(CART, 4)
    assert len(pool.requests) == 1


@pytest.mark.parametrize(("data", "words"), [(b"<html>log in</html>", "<html>log in</html>"), (b"", "''")])
def test_an_answer_that_is_not_json_is_no_answer(data: bytes, words: str) -> None:
    """A proxy or a login page with status 200."""
    api, _, _ = cluster(Reply(200, data))
    with pytest.raises(UnreadableError, match="not JSON") as caught:
        api.read(SIDECAR, "shop", "x")
    assert words in str(caught.value)


def test_a_right_that_is_missing_is_named_with_the_role_that_has_it() -> None:
    """Where no role allows it, the role is the way out; admission, which refuses alike, needs another one."""
    refused = 'pods "cart-1" is forbidden: User "ann" cannot patch resource "pods" in API group ""'
    for message, way in ((refused, True), ("admission webhook denied the request: it is Friday", False)):
        api, _, _ = cluster(no(403, message))
        with pytest.raises(ForbiddenError) as error:
            api.annotate_pod(POD, {"a": "b"})
        assert ("; grant it: microglia doctor --rbac-act | kubectl apply -f -" in str(error.value)) is way


def test_a_refusal_without_a_message_names_the_status() -> None:
    """An empty body still says something."""
    api, _, _ = cluster(Reply(403, b""))
    with pytest.raises(ForbiddenError, match="status 403"):
        api.scale(CART, 4)


PLANS = "https://api.test/apis/microglia.dev/v1alpha1/pruningplans"


def test_a_list_is_read_page_by_page_and_says_of_each_what_it_is() -> None:
    """Items of built-in kinds come without kind and version; a token leads on."""
    first = {
        "apiVersion": "microglia.dev/v1alpha1",
        "items": [{"metadata": {"name": "a"}}],
        "metadata": {"continue": "t"},
    }
    api, pool, _ = cluster(ok(first), ok({**first, "items": [{"metadata": {"name": "b"}}], "metadata": {}}))
    whole = {"apiVersion": "microglia.dev/v1alpha1", "kind": "PruningPlan"}
    assert api.objects(PLAN_KIND) == [{**whole, "metadata": {"name": "a"}}, {**whole, "metadata": {"name": "b"}}]
    assert [url for _, url, _ in pool.requests] == [f"{PLANS}?limit=100", f"{PLANS}?limit=100&continue=t"]


def test_a_kind_that_is_not_installed_is_absent() -> None:
    """A list that is not found; discovery tells beforehand, and where it does not the kind counts as absent."""
    with pytest.raises(AbsentError):
        cluster(no(404))[0].objects(PLAN_KIND)
    assert not cluster(no(404))[0].serves(PLAN_KIND)
    assert not cluster(no(403))[0].serves(PLAN_KIND)
    assert not cluster(ok({"resources": [{"name": "protections"}]}))[0].serves(PLAN_KIND)
    api, pool, _ = cluster(ok({"resources": [{"name": "pruningplans"}]}))
    assert api.serves(PLAN_KIND)
    assert pool.requests[0][:2] == ("GET", PLANS.rpartition("/")[0])


def test_a_status_is_written_alone() -> None:
    """To the subresource, with the preconditions of the object that was read."""
    body = {"metadata": {"name": "plan-1", "uid": "u", "resourceVersion": "7"}, "status": {"state": "Done"}}
    api, pool, _ = cluster(ok(body))
    assert api.replace_status(PLAN_KIND, body) == body
    assert pool.requests == [("PUT", f"{PLANS}/plan-1/status?fieldManager=microglia", body)]


def test_the_server_says_who_we_are() -> None:
    """By a review of ourselves; empty where it does not tell."""
    api, pool, _ = cluster(ok({"status": {"userInfo": {"username": "ann"}}}))
    assert api.user() == "ann"
    method, url, sent = pool.requests[0]
    assert (method, url) == ("POST", "https://api.test/apis/authentication.k8s.io/v1/selfsubjectreviews")
    assert sent["kind"] == "SelfSubjectReview"
    assert cluster(ok({}))[0].user() == ""
