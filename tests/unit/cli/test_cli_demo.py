"""The demo."""

import pytest


def test_the_demo_plays_careful_and_naive_on_the_same_world(run):
    """The first plan, a chapter per lap, what was spared, and both endings."""
    ended = run("demo", "--world", "boutique", "--weeks", "1")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("boutique: 13 workloads, overbuilt;")
    assert "Round 1 of 5 · window 14d · rule requests-at-risk · policy: default (built in)" in ended.out
    assert ended.out.count("\nWeek 1  Pruning, round 1: ") == 2
    assert "pruned boutique/adservice 5 -> 4; saves 0.6 cpu, 384 Mi" in ended.out
    assert "\nmicroglia: " in ended.out
    assert "\nnaive pruner: " in ended.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--world", "nope"), 'no world "nope"; there are boutique, shop, or give a .yaml file'),
        (
            ("--world", "boutique", "--fails", "boutique/fronted"),
            "--fails boutique/fronted: the world boutique has no such workload; did you mean boutique/frontend?",
        ),
        (("--world", "boutique", "--fails", "xyzzy"), "--fails xyzzy: the world boutique has no such workload"),
    ],
)
def test_a_world_or_a_primary_that_does_not_exist_is_a_usage_error(run, words, message):
    """Told before anything is played."""
    ended = run("demo", *words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"{message}\n")


def test_the_primary_fails_when_it_is_named(run):
    """In a week that is played, the introduction announces it."""
    ended = run("demo", "--world", "boutique", "--weeks", "1", "--fails", "boutique/frontend")
    assert "fails for six hours" not in ended.out
