"""Adapters built from settings."""

from types import SimpleNamespace

import pytest

from microglia.cli import wiring
from microglia.cli.options import Rules, Where
from microglia.model.ports import AbsentError, ClusterFacts
from microglia.observe.traffic import PrometheusTraffic


class Far:
    """An API server without any objects."""

    api = None

    def facts(self):
        """Who it is."""
        return ClusterFacts("uid-1", "far", "v1.36.3")

    def serves(self, kind):
        """No CRD of ours is installed."""
        return False

    def objects(self, kind):
        """No CRD of ours is installed."""
        raise AbsentError(kind.plural)


@pytest.fixture
def far(monkeypatch):
    """Every connection leads there."""
    monkeypatch.setattr(wiring, "connect", lambda context, kubeconfig: Far())
    monkeypatch.setattr(wiring, "ApiCluster", lambda api: Far())


def test_a_live_desk_asks_the_named_prometheus(far, home):
    """Adapters are built, nothing is asked yet; the journal lies under the cluster's uid."""
    where = Where(prometheus="http://metrics:9090", prometheus_header=["X-Scope-OrgID: team-a"])
    place = wiring.site(where, Rules())
    assert place.folder.root == home / "state"
    assert isinstance(wiring._traffic(place), PrometheusTraffic)
    desk = wiring.live(place)
    assert (desk.live, desk.cluster_name, desk.origin) == (True, "far", "built in; none given")
    assert [policy.metadata.name for policy in desk.policies] == ["default"]
    assert desk.now.tzinfo is not None


def test_what_is_read_is_kept_apart_by_scope_and_tenant(far, monkeypatch):
    """Both reach the adapter; a header's name is the same however it is written, and credentials are no tenant."""
    monkeypatch.setattr(wiring, "PrometheusTraffic", lambda server, buckets, progress, asking: asking)
    headers = ["x-scope-orgid: a", "THANOS-Tenant: b", "Authorization: Basic c"]
    where = Where(prometheus="http://m:9090", prometheus_header=headers, prometheus_scope='cluster="x"')
    given = wiring._traffic(wiring.site(where, Rules()))
    assert (given.tenant, given.scope) == ("a,b", 'cluster="x"')
    plain = wiring._traffic(wiring.site(Where(prometheus="http://m:9090"), Rules()))
    assert (plain.tenant, plain.scope) == ("", "")


def test_progress_is_told_only_when_it_takes_long(monkeypatch, capsys):
    """A quick command says nothing on stderr; a long one says what it is doing."""
    now = SimpleNamespace(value=0.0)
    monkeypatch.setattr(wiring, "monotonic", lambda: now.value)
    progress = wiring.Progress()
    progress.say("day 1 of 14")
    now.value = 2.0
    progress.say("day 2 of 14")
    assert capsys.readouterr() == ("", "day 2 of 14\n")
