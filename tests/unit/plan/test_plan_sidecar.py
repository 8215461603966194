"""The Sidecar that hides hosts from one client."""

import pytest

from microglia.model.ids import WorkloadId
from microglia.plan.eligible import exact_labels, foreign_sidecars, own_sidecars, too_old
from microglia.plan.sidecar import body, client_of, edited, hidden, plain, selector_of, sidecar_name
from microglia.topology.build import build
from microglia.topology.selectors import label_index
from tests.factories import deployment, running, snapshot, thing
from tests.planning import host, own, wid


def test_hosts_are_hidden_one_by_one() -> None:
    """Everything stays visible but the excluded hosts, sorted, for exactly the selected pods; nothing else is set."""
    found = body(wid("search"), {"app": "search"}, [host("b"), host("a", "ads"), host("b")])
    assert found is not None
    assert found["apiVersion"] == "networking.istio.io/v1"
    assert found["spec"] == {
        "workloadSelector": {"labels": {"app": "search"}},
        "egress": [{"hosts": ["*/*", f"~ads/{host('a', 'ads')}", f"~shop/{host('b')}"]}],
    }
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("microglia-search", "shop")
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "microglia"}


@pytest.mark.parametrize("hosts", [(), ("api.example.com",)])
def test_nothing_to_hide_is_no_sidecar(hosts: tuple[str, ...]) -> None:
    """An empty list needs no object, and hosts outside the cluster are never hidden."""
    assert body(wid("search"), {"app": "search"}, hosts) is None


def test_a_sidecar_reads_back() -> None:
    """Hosts, selector and client come back out of the object; what the server set is left behind."""
    raw = own("search", host("b"), host("a"))
    assert hidden(raw) == (host("a"), host("b"))
    assert (selector_of(raw), client_of(raw), edited(raw)) == ({"app": "search"}, wid("search"), False)
    assert plain(raw) == body(wid("search"), {"app": "search"}, hidden(raw))
    assert hidden(None) == ()
    assert "labels" not in plain({"metadata": {"name": "x", "namespace": "y"}})["metadata"]


def test_a_hand_edited_sidecar_is_recognised() -> None:
    """Another entry, another field or a lost client mark means that somebody else has a say."""
    added, policy, lost = own("a", host("b")), own("a", host("b")), own("a", host("b"))
    added["spec"]["egress"][0]["hosts"].append("./*")
    policy["spec"]["outboundTrafficPolicy"] = {"mode": "REGISTRY_ONLY"}
    lost["metadata"]["annotations"] = {}
    assert [edited(raw) for raw in (added, policy, lost)] == [True, True, True]
    assert client_of(lost) is None


def test_names_fit_and_differ() -> None:
    """The kind is in the name of what is no Deployment; long names are cut and hashed, and stay apart."""
    assert sidecar_name(WorkloadId("shop", "db", "StatefulSet")) == "microglia-statefulset-db"
    assert sidecar_name(wid("a" * 53)) == "microglia-" + "a" * 53
    long, longer = sidecar_name(wid("a" * 54)), sidecar_name(wid("a" * 55))
    assert (len(long), len(longer)) == (63, 63)
    assert long != longer


@pytest.mark.parametrize("version", ["1.31", "1.31.0", "1.32.1-solo", "2.0.0"])
def test_new_control_planes_hide_hosts(version: str) -> None:
    """From 1.31 on exclusions are read."""
    assert too_old((version,)) is None


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        ((), "no istiod version"),
        (("1.30.9", "1.31.0"), "istiod 1.30.9 serves here"),
        (("latest",), "which is no version"),
        (("1.x",), "which is no version"),
    ],
)
def test_other_control_planes_are_refused(versions: tuple[str, ...], why: str) -> None:
    """The lowest serving version decides; one that is not known is not trusted."""
    assert why in str(too_old(versions))


def test_foreign_sidecars_are_named() -> None:
    """Every Sidecar that applies and is not the client's own is named; ours alone is none."""
    raws = [*running(deployment("search")), own("search", host("ads"))]
    lone = build(snapshot(*raws))
    shared = build(snapshot(*raws, thing("Sidecar", "default", spec={"egress": [{"hosts": ["./*"]}]})))
    assert foreign_sidecars(lone, wid("search"), own_sidecars(lone.objects)) == ""
    assert foreign_sidecars(shared, wid("search"), own_sidecars(shared.objects)) == "Sidecar shop/default"
    assert foreign_sidecars(lone, wid("search"), {}) == "Sidecar shop/microglia-search"


def test_labels_must_be_the_pods_own() -> None:
    """The selector's labels when they are exact, else the whole template's, else nothing."""
    apart = build(snapshot(deployment("a"), deployment("b")))
    wide = deployment("a", pod_labels={"app": "x", "track": "stable"}, spec={"selector": {"matchLabels": {"app": "x"}}})
    beside = build(snapshot(wide, deployment("b", pod_labels={"app": "x", "track": "canary"})))
    within = build(
        snapshot(deployment("a", pod_labels={"app": "x"}), deployment("b", pod_labels={"app": "x", "b": "1"}))
    )

    def found(topology: object) -> dict[str, str] | None:
        return exact_labels(
            topology.workloads[wid("a")], label_index((w.id, w.pod_labels) for w in topology.workloads.values())
        )

    assert found(apart) == {"app": "a"}
    assert found(beside) == {"app": "x", "track": "stable"}
    assert found(within) is None


def test_own_sidecars_without_a_client_are_nobodys() -> None:
    """A Sidecar that lost its mark is not counted as anyone's."""
    raw = own("search", host("ads"))
    raw["metadata"]["annotations"] = {"microglia.dev/client": "nonsense"}
    assert own_sidecars(build(snapshot(raw, own("cart", host("ads")))).objects).keys() == {wid("cart")}
