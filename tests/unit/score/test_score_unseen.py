"""The leave-one-out mass and its interval, by client and by class of hosts."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.score.unseen import Mass, at_most, unseen_by_class, unseen_by_client, unseen_mass
from microglia.topology.graph import Topology
from tests import factories
from tests.unit.score.worlds import Spec, host, world

Z = 1.6448536269514722


@pytest.mark.parametrize("requests", [10, 1_000, 100_000])
def test_what_was_never_needed_is_needed_at_most_three_times_in_so_many(requests: int) -> None:
    """1 - 0.05^(1/n), close to 3 / n at 95 % and to 4.61 / n at 99 %."""
    assert at_most(requests) == pytest.approx(1 - 0.05 ** (1 / requests))
    assert at_most(requests) == pytest.approx(3 / requests, rel=0.15)
    assert at_most(requests, 0.99) == pytest.approx(4.61 / requests, rel=0.21)


def test_many_requests_come_close_to_the_rule_of_three() -> None:
    """2.996 and 4.605."""
    assert at_most(1e6) * 1e6 == pytest.approx(2.9957, rel=1e-4)
    assert at_most(1e6, 0.99) * 1e6 == pytest.approx(4.6052, rel=1e-4)


def test_without_requests_anything_may_be_needed() -> None:
    """Nothing was seen, so nothing is known."""
    nothing = Mass(0.0, 0.0, 0.0)
    assert (nothing.share, nothing.low, nothing.high, at_most(0)) == (1, 0, 1, 1)


def test_the_interval_by_hand() -> None:
    """N1 = 16 and N2 = 10 of n = 10,000: 0.0016 +- 1.645 x sqrt(16 x 0.9984 + 20) / 10,000 = 0.0016 +- 0.000987."""
    mass = Mass(10_000, 16, 10)
    width = Z * np.sqrt(16 * 0.9984 + 20) / 10_000
    assert mass.share == 0.0016
    assert width == pytest.approx(0.000986, rel=1e-3)
    assert (mass.low, mass.high) == (pytest.approx(0.0016 - width), pytest.approx(0.0016 + width))


def test_the_interval_is_never_narrower_than_the_rule_of_three() -> None:
    """No request alone on its edge is no proof that none will be."""
    assert Mass(1000, 0, 0).high == at_most(1000)
    assert Mass(1000, 0, 0).low == 0
    assert Mass(1000, 1, 0).low == 0


def test_it_ends_at_all_of_it() -> None:
    """One request, alone on its edge: the next is new as well."""
    assert (Mass(1, 1, 0).share, Mass(1, 1, 0).high) == (1, 1)
    assert Mass(10, 9, 0).high == 1


def test_at_the_size_of_real_call_graphs_it_is_as_narrow_as_was_measured() -> None:
    """37,348 edges pooled at n = 100,000: the estimate 0.01457 missed the truth 0.01474 by less than the interval."""
    mass = Mass(100_000, 1457, 700)
    assert mass.low < 0.01474 < mass.high
    assert mass.high - mass.low < 0.002


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    """2,000 edges of Zipf's popularity, 5,000 requests, 400 windows: the true chance of a new edge lies below the upper
    end in about 95 % of them, and so above the lower end."""
    generator = np.random.default_rng(11)
    chances = 1 / np.arange(1, 2001) ** 1.1
    chances /= chances.sum()
    below = above = 0
    for _ in range(400):
        counts = generator.multinomial(5000, chances)
        truth = float(chances[counts == 0].sum())
        mass = Mass(5000, float((counts == 1).sum()), float((counts == 2).sum()))
        below += truth <= mass.high
        above += truth >= mass.low
    assert 0.92 <= below / 400 <= 0.99
    assert 0.92 <= above / 400 <= 0.99


def _world() -> Topology:
    """A calls b 98 times, c once, d twice; quiet calls b three times; services b and d, and c in another namespace."""
    hosts = (host("b"), host("c", "toys"), host("d"))
    called = factories.edges(*(("shop/a", one, "") for one in hosts), ("shop/quiet", host("b"), ""))
    counts = {hosts[0]: 98.0, hosts[1]: 1.0, hosts[2]: 2.0}
    requests = np.array([3.0 if edge.client == "shop/quiet" else counts[edge.host] for edge in called.keys])
    specs = (Spec("a"), Spec("b"), Spec("c", namespace="toys"), Spec("d"), Spec("quiet"))
    return world(*specs, edges=replace(called, requests=requests))


def test_each_client_has_a_mass_of_its_own() -> None:
    """What a busy one requested says nothing about a quiet one, and who requested nothing may need anything."""
    found = unseen_by_client(_world(), frozenset({"shop/a", "shop/quiet", "shop/b"}))
    assert dict(found) == {"shop/a": Mass(101, 1, 1), "shop/quiet": Mass(3, 0, 0), "shop/b": Mass(0, 0, 0)}
    assert unseen_mass(_world(), frozenset({"shop/a"})) == Mass(101, 1, 1)
    assert unseen_mass(_world()) == Mass(104, 1, 1)


def test_the_classes_of_a_client_add_up() -> None:
    """By namespace of the host, each of all that the client requested."""
    found = unseen_by_class(_world(), "shop/a")
    assert dict(found) == {"shop": Mass(101, 0, 1), "toys": Mass(101, 1, 0)}
    assert list(found) == ["shop", "toys"]
    assert sum(one.share for one in found.values()) == pytest.approx(1 / 101)


def test_hosts_that_are_no_service_are_a_class_of_their_own() -> None:
    """A call that left the cluster, and nothing for a client that called nothing."""
    edges = factories.edges(("shop/a", "api.example.com", ""), requests=1.0)
    topology = world(Spec("a"), edges=edges)
    assert dict(unseen_by_class(topology, "shop/a")) == {"outside": Mass(1, 1, 0)}
    assert dict(unseen_by_class(topology, "shop/b")) == {}
