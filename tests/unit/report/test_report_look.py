"""What was found."""

from microglia.model.ids import ObjectRef
from microglia.protect.ledger import Level, Protection, ledger, route, workload
from microglia.report.look import Finding, doctor_text, map_text, nowhere, protected_text
from microglia.topology.build import build
from tests.factories import deployment, edges, nodes, running, service, snapshot
from tests.planning import host, wid
from tests.unit.report.answers import flat

NAMES = ("web", "a", "b", "c", "d")
TOPOLOGY = build(
    snapshot(
        *nodes(),
        *(raw for name in NAMES for raw in running(deployment(name))),
        *(service(name) for name in NAMES),
        calls=edges(*(("shop/web", host(name), f"shop/{name}") for name in "abcd")),
    )
)


def protection(rule, level=Level.FLOOR, floor=2, reason="so"):
    """One protection, written on a Deployment."""
    return Protection(rule, level, floor, reason, ObjectRef("Deployment", "shop", "web"), "spec", "x")


def test_the_doctor_says_what_is_missing_and_the_way_out():
    """One line per finding, graded, with its remedy below it."""
    text = doctor_text(
        (Finding("Cluster", "prod, 3 zones", "ok"), Finding("Sight", "pods: forbidden " * 12, "limited", "Grant it"))
    )
    lines = text.splitlines()
    assert lines[0].startswith("Cluster  prod, 3 zones")
    assert lines[0].endswith("  ok")
    assert lines[1].endswith("  limited")
    assert lines[-1] == "         Grant it"
    assert max(map(len, lines)) <= 100
    assert doctor_text(()) == ""
    assert doctor_text((Finding("Cluster", "", "missing"),)).endswith("missing")


def test_the_map_shows_who_calls_whom():
    """Replicas, zones, callers and callees; long lists are counted."""
    text = flat(map_text(TOPOLOGY, everything=False))
    assert "shop/web 3/3 3 - shop/a, shop/b and 2 more" in text
    assert "shop/a 3/3 3 shop/web -" in text


def test_a_long_map_is_cut():
    """Twelve workloads are more than a glance."""
    many = build(snapshot(*(raw for number in range(12) for raw in running(deployment(f"w{number:02}")))))
    assert "… and 4 more (--all)" in map_text(many, everything=False)
    assert "shop/w11" in map_text(many, everything=True)


def test_protections_are_listed_by_rule_and_the_broadest_comes_last():
    """Alike ones in one row, so that the rare and important ones are seen; --all names each."""
    found = [workload(wid(name), protection("minimum-policy")) for name in NAMES]
    found += [workload(wid("web"), protection("webhook", Level.PIN, reason="the API server asks it"))]
    text = flat(protected_text(TOPOLOGY, ledger(found), everything=False))
    assert "shop/web pinned webhook the API server asks it (Deployment shop/web, spec = x)" in text
    assert "shop/a, shop/b, shop/c and 2 more >= 2 minimum-policy so" in text
    assert text.index("webhook") < text.index("minimum-policy")
    assert flat(protected_text(TOPOLOGY, ledger(found), everything=True)).count("minimum-policy") == 5


def test_protected_routes_are_listed_too():
    """Of a client, to a host, and the one between them."""
    found = [
        route(protection("mirror"), client=wid("web")),
        route(protection("headless"), host=host("a")),
        route(protection("zero-weight"), client=wid("web"), host=host("b")),
    ]
    text = flat(protected_text(TOPOLOGY, ledger(found), everything=False))
    assert "routes of shop/web >= 2 mirror" in text
    assert "routes to a.shop >= 2 headless" in text
    assert "shop/web -> b.shop >= 2 zero-weight" in text


def test_a_protection_that_points_at_nothing_is_shown():
    """A typo in a host protects nobody, and its author should know."""
    text = flat(protected_text(TOPOLOGY, ledger([], [protection("mirror", reason="no such host")]), everything=False))
    assert "POINTS AT NOTHING" in text
    assert "mirror no such host (Deployment shop/web, spec = x)" in text
    assert protected_text(TOPOLOGY, ledger([]), everything=False) == "Nothing is protected."


def test_the_doctor_names_what_protects_nothing():
    """With the object, the field and the value, so that the typo can be found; many are told as a few and a number."""
    assert nowhere(()) == ()
    (one,) = nowhere([protection("gslb", reason="what it names does not exist")])
    assert (one.subject, one.grade) == ("Protected", "limited")
    assert one.found == "1 protection of nothing:\nDeployment shop/web: spec = x; what it names does not exist"
    assert one.remedy == "Correct the name, or delete what is left over."
    (many,) = nowhere([protection("gslb")] * 12)
    assert many.found.splitlines()[0] == "12 protections of nothing:"
    assert len(many.found.splitlines()) == 12
    assert many.found.endswith("\nand 2 more: microglia map --protected")
