"""What lost, laid out for drafting."""

from dataclasses import replace

from microglia.compete import select
from microglia.model.ids import WorkloadId
from microglia.plan.losing import lost_routes, lost_steps
from microglia.policy.schema import Budget, Limit, PolicySpec
from microglia.protect.ledger import ledger
from microglia.score.scores import Evidence, Judged, RouteScore
from tests.factories import replica_score, scores
from tests.unit.score.worlds import Spec, host, world

A, B = WorkloadId("shop", "a"), WorkloadId("shop", "b")
SPARE = Limit(spare=0.2)
SPEC = PolicySpec(budget=Budget(cpu=SPARE, memory=None, proxy_config=SPARE))


def _route(client: WorkloadId, *names: str, used: bool = False, value: float = 0.01, cost: float = 100.0) -> RouteScore:
    judged = Judged(Evidence.USED if used else Evidence.IDLE, 1.0, "why")
    return RouteScore(client, "shop", tuple(map(host, names)), judged, 9.0 * used, 336.0, value, cost)


ROUTES = [
    *(_route(A, f"u{place}", used=True) for place in range(5)),
    _route(A, "v", "w", "x", value=0.02), _route(A, "y", cost=120.0), _route(A, "z"),
    _route(B, "v", "w"),
]  # fmt: skip
SCORES = scores(replica_score(A, 6, 2, risk=(9.0,) * 2 + (4.0, 3.0, 2.0, 1.0, 0.0)), routes=ROUTES)


def test_a_competition_is_laid_out_like_its_parts() -> None:
    """Quickly from its columns, or one by one from any other sequence: the same routes, in the same order."""
    chosen = select(SCORES, ledger(()), world(Spec("a"), Spec("b")), SPEC)
    plain = replace(chosen, yielded=tuple(chosen.yielded), cut=tuple(chosen.cut))
    one, other = lost_routes(chosen), lost_routes(plain)
    assert {client: one.of(client) for client in one.rows} == {client: other.of(client) for client in other.rows}
    assert (one.density, one.copies, one.costs) == (other.density, other.copies, other.costs)
    rows = range(len(one.routes))
    assert [one.winner(row) for row in rows] == [other.winner(row) for row in rows]
    assert lost_steps(chosen) == lost_steps(plain)


def test_a_client_loses_what_is_worth_least_for_its_room_first() -> None:
    """Least density first; what is kept in part loses its last hosts, and says who won."""
    chosen = select(SCORES, ledger(()), world(Spec("a"), Spec("b")), SPEC)
    lost = lost_routes(chosen)
    (_, least), *_, (row, partly) = lost.of(A)
    assert (least.hosts, partly.hosts) == ((host("y"),), (host("w"), host("x")))
    assert lost.winner(row) == f"route:shop/a:shop:{host('v')}"
    assert [one.element.high for one in lost_steps(chosen)[A]] == [6, 5, 4, 3]
