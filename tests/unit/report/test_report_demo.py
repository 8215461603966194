"""The demo's story."""

from microglia.plan.change import Saving
from microglia.report.demo import Chapter, chapter_text, ending_text, introduction, spared_text
from tests.factories import deployment
from tests.planning import cut, host, plan, scaled
from tests.unit.report.answers import flat, note

TAKES = plan(
    scaled(deployment("cart", replicas=5), 5, 4, saving=Saving(cpu=0.5, replicas=1, money=10)),
    cut("web", host("ads"), host("geo"), saving=Saving(proxy_config=2.0**20)),
    round=2,
)


def chapter(made=TAKES, **parts):
    """A quiet week."""
    told = {"week": 3, "refused": (), "replicas": 300, "wanted": 1000, "lost": 0, "missing": (), "hurt": ()}
    return Chapter(plan=made, **{**told, **parts})


def test_the_introduction_says_what_will_be_played():
    """The world, the method, and the accident to come."""
    text = flat(introduction("shop", 60, "payments/ledger"))
    assert text.startswith("shop: 60 workloads, overbuilt; nobody has said what may go.")
    assert "In week 6 payments/ledger fails for six hours." in text
    assert text.endswith("The first plan:")
    assert "week 6" not in introduction("shop", 1, "")


def test_a_chapter_tells_what_went_and_what_it_saved():
    """Phase, pods, changes and saving; or that nothing went."""
    text = flat(chapter_text(chapter()))
    assert text == "Week 3 Pruning, round 2: 300 pods pruned shop/cart 5 -> 4; 2 routes; saves 0.5 cpu, 1.0 Mi proxy"
    assert "gave back" in chapter_text(chapter(plan(scaled(deployment("cart"), 3, 4), purpose="regrow", round=0)))
    quiet = chapter_text(chapter(plan(phase="Hardened", round=0)))
    assert quiet == "Week 3  Hardened: 300 pods\n    nothing to prune now"
    assert chapter_text(chapter(None)) == "Week 3: 300 pods"


def test_a_chapter_tells_refusals_and_losses():
    """What a gate said, and what was lost afterwards."""
    text = flat(chapter_text(chapter(refused=("one week seen, two are required",))))
    assert "refused: one week seen, two are required" in text
    lost = flat(chapter_text(chapter(lost=10, hurt=(host("ads"),))))
    assert "10 of 1,000 requests lost (1.0000%): ads.shop" in lost
    assert "(0.0000%)" in chapter_text(chapter(lost=10, wanted=0))


def test_a_chapter_tells_that_the_primary_failed_and_whether_anybody_noticed():
    """The standby held, or requests were lost."""
    assert "ledger failed for six hours, and no request was lost" in chapter_text(chapter(failed="ledger"))
    noticed = flat(chapter_text(chapter(failed="ledger", lost=10, hurt=(host("ads"),))))
    assert "ledger failed for six hours 10 of 1,000 requests lost" in noticed


def test_the_ending_adds_up():
    """Savings of all laps that were carried out, what was lost, and what is missing."""
    text = flat(ending_text("microglia", [chapter(), chapter(replicas=280), chapter(refused=("no",), replicas=279)]))
    assert text == (
        "microglia: 279 pods in the end; 0 of 3,000 requests lost saved in all: 1 cpu, 2.0 Mi proxy, 20 USD/month"
        " nothing that is rarely needed is missing"
    )
    naive = flat(ending_text("naive", [chapter(None, lost=7, hurt=(host("ads"),), missing=("the standby is gone",))]))
    assert naive == (
        "naive: 300 pods in the end; 7 of 1,000 requests lost calls that were lost: ads.shop"
        " missing when it is needed: the standby is gone"
    )


def test_what_the_last_plan_spared_is_shown():
    """The demo's point: what would have gone."""
    assert "shop/standby" in spared_text(plan(spared=(note("shop/standby"),)))
    assert spared_text(plan()) == ""
