"""How figures are printed."""

import pytest

from microglia.plan.change import Saving
from microglia.report.amounts import bill, element, figure, precise, price, resource, saved, saving, winner


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.05, "0.05"), (0.00001, "1e-05"), (12.345, "12.3"), (999.4, "999"), (999.6, "1,000"), (1203, "1,203")],
)
def test_a_figure_has_three_digits_and_never_an_exponent_above_a_thousand(value, text):
    """Figures stay readable at every size."""
    assert figure(value) == text


@pytest.mark.parametrize(("value", "text"), [(79.994, "79.99"), (2364.4, "2,364"), (9999.7, "10,000"), (0.0, "0")])
def test_a_precise_figure_has_four_digits(value, text):
    """What a reader recomputes has the digits that the arithmetic has."""
    assert precise(value) == text


@pytest.mark.parametrize(
    ("name", "amount", "currency", "text"),
    [
        ("cpu", 0.5, "", "0.5 cpu"),
        ("memory", 2.0**30, "", "1.0 Gi"),
        ("proxyConfig", 2.0**20 * 24, "", "24 Mi"),
        ("replicas", 1, "", "1 replica"),
        ("replicas", 3, "", "3 replicas"),
        ("money", 14.7, "USD", "14.7 USD/month"),
        ("money", 14.7, "", "14.7/month"),
        ("licences", 2, "", "2 licences"),
    ],
)
def test_an_amount_carries_its_unit(name, amount, currency, text):
    """Nobody has to guess what a number counts."""
    assert resource(name, amount, currency) == text


def test_a_saving_names_only_what_is_saved():
    """Zeros are left out; money needs a currency."""
    whole = Saving(cpu=0.5, memory=2.0**30, replicas=1, proxy_config=2.0**20, money=12)
    assert saving(whole, "EUR") == "0.5 cpu, 1.0 Gi, 1.0 Mi proxy, 12 EUR/month"
    assert saving(whole) == "0.5 cpu, 1.0 Gi, 1.0 Mi proxy"
    assert saving(Saving()) == "-"


def test_what_a_plan_saves_begins_with_its_replicas():
    """One, several, or none of them."""
    assert saved(Saving(cpu=1.2, replicas=2, money=29.4), "EUR") == "2 replicas, 1.2 cpu, 29.4 EUR/month"
    assert saved(Saving(cpu=0.6, replicas=1)) == "1 replica, 0.6 cpu"
    assert saved(Saving(proxy_config=2**20)) == "1.0 Mi proxy"


def test_a_price_is_for_the_unit_in_which_people_count():
    """Per core, per Gi, per Mi; 0 says that nothing is scarce."""
    assert price("cpu", 0.4) == "0.4 requests/h per cpu"
    assert price("memory", 0.5 / 2**30) == "0.5 requests/h per Gi"
    assert price("proxyConfig", 2 / 2**20) == "2 requests/h per Mi"
    assert price("licences", 1) == "1 requests/h per licences"
    assert price("replicas", 0.25) == "0.25 requests/h per replica"
    assert price("money", 0.02, currency="EUR") == "0.02 requests/h per EUR/month"
    assert price("money", 0.02, "presence") == "0.02 h/week per money/month"
    assert price("cpu", 0) == "0: there is room"


def test_a_bill_can_be_recomputed():
    """Amount times price for everything that is scarce, and the sum."""
    costs = {"cpu": (2.0, 0.4), "memory": (1.5 * 2**30, 0.1 / 2**30), "replicas": (3.0, 0.0), "money": (0.0, 9.0)}
    assert bill(costs) == "2 cpu x 0.4 + 1.5 Gi x 0.1 = 0.95"
    assert bill({"cpu": (2.0, 0.0)}) == "0"
    both = {"cpu": (0.6, 0.5), "money": (14.675, 0.04)}
    assert bill(both, "EUR") == "0.6 cpu x 0.5 + 14.68 EUR/month x 0.04 = 0.887"
    assert bill({"licences": (2.0, 1.0)}) == "2 licences x 1 = 2"


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        ("replica:shop/cart:3-5", "shop/cart 3 -> 5"),
        ("replica:StatefulSet/shop/cart:3-5", "StatefulSet/shop/cart 3 -> 5"),
        ("route:shop/web:data:db.data.svc.cluster.local", "shop/web -> data"),
        ("something else", "something else"),
    ],
)
def test_an_element_reads_as_people_say_it(identity, text):
    """Ids are for files, not for screens."""
    assert element(identity) == text


def test_a_workload_loses_to_its_own_first_steps():
    """Its own steps are told as such; another's step and its own routes are named."""
    assert winner("replica:shop/cart:3-5", "shop/cart") == "its own 3 -> 5"
    assert winner("replica:shop/cart:3-5", "shop/car") == "shop/cart 3 -> 5"
    assert winner("route:shop/cart:data:db.data", "shop/cart") == "shop/cart -> data"
