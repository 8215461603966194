"""Routes as columns are the routes themselves."""

import pytest

from microglia.model.ids import WorkloadId
from microglia.score.scores import Evidence, Judged, Routes, RouteScore, columns

WEB, CART = WorkloadId("shop", "web"), WorkloadId("shop", "cart")


def _route(client: WorkloadId, *hosts: str, evidence: str = "IDLE", value: float = 0.5) -> RouteScore:
    return RouteScore(client, "shop", hosts, Judged(Evidence(evidence), 1.0, "why"), 3.0, 336.0, value, 61_000.0)


ROUTES = (_route(CART, "a", "b"), _route(CART, "c", evidence="USED"), _route(WEB, "b", evidence="UNKNOWN", value=0.1))


def test_routes_come_out_as_they_went_in() -> None:
    """One by one, from either end, in slices and all together; and what is columns already stays the same object."""
    table = columns(ROUTES)
    assert tuple(table) == ROUTES
    assert (len(table), table[0], table[-1]) == (3, ROUTES[0], ROUTES[2])
    assert tuple(table[1:]) == ROUTES[1:]
    assert isinstance(table[::2], Routes)
    assert columns(table) is table
    with pytest.raises(IndexError):
        table[3]


def test_columns_equal_any_sequence_of_the_same_routes() -> None:
    """And hash alike; nothing else is equal."""
    table = columns(ROUTES)
    assert table == ROUTES
    assert table == columns(list(ROUTES))
    assert table != ROUTES[1:]
    assert table != "routes"
    assert hash(table) == hash(ROUTES)
    assert columns(()) == ()


def test_columns_answer_for_all_rows_at_once() -> None:
    """How many hosts, the first of each, who is judged how, and whose they are."""
    table = columns(ROUTES)
    assert table.copies.tolist() == [2, 1, 1]
    assert table.first == ["a", "c", "b"]
    assert [table.having(one).tolist() for one in Evidence] == [
        [False, True, False],
        [True, False, False],
        [False, False, True],
    ]
    assert table.within({WEB}) == ROUTES[2:]
    assert table.within({WEB, CART}) is table


def test_some_hosts_may_be_replaced() -> None:
    """The others, and the columns it was made of, stay as they are."""
    table = columns(ROUTES)
    assert [one.hosts for one in table.narrowed({0: ("b",)})] == [("b",), ("c",), ("b",)]
    assert table == ROUTES
