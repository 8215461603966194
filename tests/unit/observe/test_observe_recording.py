"""Recording rules: their file, the hours in which they ran whole, and how what they made is read."""

import numpy as np
import pytest

from microglia.model.ports import UnreadableError
from microglia.observe.dialects import istio
from microglia.observe.dialects.expressions import Spans, filled
from microglia.observe.dialects.recording import mark, ran, recorded, rule_file, whole
from microglia.observe.prometheus import SilentError
from microglia.observe.replies import Reply
from microglia.observe.traffic import PrometheusTraffic
from tests.unit.observe.rows import row
from tests.unit.observe.test_observe_traffic import FACTS, NOW, OBJECTS, WINDOW, healthy


def test_a_file_of_rules():
    """One group, every 5 minutes, its last rule over what the others came to; all carry the mark."""
    (group,) = rule_file(30)["groups"]
    names = [one["record"] for one in group["rules"]]
    assert (group["interval"], names[-1]) == ("5m", "microglia:recorded:5m")
    assert {one["labels"]["microglia_rules"] for one in group["rules"]} == {mark(30)}
    texts = {one["record"]: one["expr"] for one in group["rules"]}
    assert "[330s]" in texts["microglia:requests:increase5m"]
    assert "> 0" not in texts["microglia:requests:increase5m"]
    assert "$" not in "".join(texts.values())


def test_the_mark_changes_with_what_the_rules_depend_on():
    """Rules for another scrape interval are others."""
    assert mark(30) != mark(60)


def test_an_hour_is_recorded_when_all_twelve_times_were():
    """Eleven are not enough."""
    assert whole([(7200.0, 12), (10800.0, 11), (14400.0, 13)]) == {3600, 10800}


def test_how_what_was_recorded_is_read():
    """An hour's sum is brought to what an increase over an hour and a scrape comes to; a slot takes its last rate."""
    spans = Spans(60, 3600)
    text = filled(recorded(istio.VOLUME, 60), spans, 'cluster="x"')
    assert f'sum_over_time(microglia:requests:increase5m{{microglia_rules="{mark(60)}",cluster="x"}}[1h])' in text
    share = float(text.split("* ")[1].split(" ")[0])
    assert 12 * (300 + 60) / 300 * share * spans.hour_share == pytest.approx(12)
    assert filled(recorded(istio.PEAKS, 60), spans).startswith("last_over_time(microglia:requests:rate5m{")
    assert recorded(istio.SIGNS, 60) is istio.SIGNS


def asked(answer):
    server = healthy(recorded=answer)
    traffic = PrometheusTraffic(server)
    traffic.describe(FACTS, NOW)
    server.texts = []
    ask = server.query_range
    server.query_range = lambda text, *rest: (server.texts.append(text), ask(text, *rest))[1]
    return server, traffic


def test_recorded_hours_are_not_worked_out_again():
    """With every hour recorded neither volume nor peaks are read raw; signs and heartbeats always are."""
    server, traffic = asked(lambda times: [row(times, 12)])
    with pytest.raises(StopIteration):
        traffic.activity(OBJECTS, WINDOW, NOW)
    assert any("microglia:requests" in text for text in server.texts)


@pytest.mark.parametrize(
    "answer",
    [
        lambda times: [row(times, np.where(np.arange(times.size) % 12 == 3, 11, 12))],
        lambda times: [],
        Reply((), complete=False, faults=("cut",)),
        UnreadableError("busy"),
    ],
)
def test_what_was_not_recorded_for_certain_is_read_raw(answer):
    """One missing time in each block, no rules, half an answer, none: everything is read as ever."""
    _, traffic = asked(answer)
    found = traffic.activity(OBJECTS, WINDOW, NOW)
    assert found.known.all()


def test_a_server_that_falls_silent_is_no_server_without_rules():
    """It is an error, as everywhere."""
    _, traffic = asked(SilentError("gone"))
    with pytest.raises(SilentError):
        traffic.activity(OBJECTS, WINDOW, NOW)


def test_rules_are_looked_for_once_a_lap():
    """One query for all hours of the window."""
    server, traffic = asked(lambda times: [])
    traffic.activity(OBJECTS, WINDOW, NOW)
    assert len([text for text in server.texts if "microglia:recorded" in text]) == 1
    assert "count_over_time" in ran(60).template
