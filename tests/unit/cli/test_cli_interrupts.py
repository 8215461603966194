"""Ctrl-C while acting."""

import os
import signal

import pytest

from microglia.cli.interrupts import Interrupts
from microglia.model.kinds import BY_NAME


@pytest.mark.parametrize(("sent", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_asks_to_stop_and_breaks_nothing_off(sent, name, capsys):
    """The write under way goes on; a second signal is caught as well."""
    with Interrupts() as interrupts:
        assert interrupts.reason() is None
        os.kill(os.getpid(), sent)
        os.kill(os.getpid(), sent)
        assert interrupts.reason() == f"stopped by {name}"
    assert "the write under way is finished and recorded first" in capsys.readouterr().err


def test_who_waits_is_woken_without_a_word(capsys):
    """An agent's log is its own: the handler rings, and prints nothing into it."""
    rung = []
    with Interrupts(rung.append) as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (interrupts.reason(), rung) == ("stopped by SIGTERM", ["SIGTERM"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_before_the_first_write_there_is_nothing_to_finish(sent):
    """Whoever is asked whether to go on, or waits for metrics, may leave at once."""
    with pytest.raises(KeyboardInterrupt), Interrupts():
        os.kill(os.getpid(), sent)


def test_ctrl_c_at_the_question_changes_nothing(run, live, monkeypatch):
    """No count moves, and the lock is let go."""
    made = run("plan").out.split("microglia apply ")[1].split()[0]
    before = [raw["spec"] for raw in live.cluster.objects(BY_NAME["Deployment"])]

    def leave(*_, **__):
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("Ctrl-C ends the question")

    monkeypatch.setattr("typer.confirm", leave)
    assert run("apply", made).code == 130
    assert [raw["spec"] for raw in live.cluster.objects(BY_NAME["Deployment"])] == before
    assert [raw["spec"]["holderIdentity"] for raw in live.cluster.objects(BY_NAME["Lease"])] == [""]


def test_afterwards_signals_mean_what_they_meant():
    """Also when the block ends in an error."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="inside"), Interrupts():
        raise ValueError("inside")
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_during_apply_ends_after_the_write_and_is_recorded(run, live, tmp_path):
    """The first write is whole and in the journal; the rest is skipped, and says why."""
    folder = tmp_path / "bold.yaml"
    folder.write_text(
        "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: default}\n"
        "spec: {pace: {perLap: {share: 100%}, perNamespace: {share: 100%}}}\n",
        encoding="utf-8",
    )
    planned = run("plan", "--policy", folder).out
    made = planned.split("microglia apply ")[1].split()[0]

    def interrupt(number, what):
        if what.startswith("scale"):
            os.kill(os.getpid(), signal.SIGINT)

    live.cluster.before_write = interrupt
    ended = run("apply", made, "--yes", "--policy", folder)
    assert ended.code == 1
    assert "Pruned 1 of" in ended.out
    assert "skipped: stopped by Ctrl-C" in ended.out
    assert "1 plan can be undone" in run("restore").out
