"""Every way in which a metrics server can fail ends as a reply that says so, or as an error with the way out."""

import time
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from microglia.model.ports import UnreadableError
from microglia.observe import prometheus as module
from microglia.observe.prometheus import PrometheusServer, SilentError
from microglia.observe.replies import read_reply
from microglia.observe.session import Access, PostingSession, plain, without_credentials


def server(stub, **access) -> PrometheusServer:
    return PrometheusServer(stub.url + "/", Access(pause=0, **access))


def test_rows_of_a_good_reply(stub):
    """A whole reply gives its rows with times and values, and is complete."""
    reply = server(stub).query("up", 1000)
    assert reply.complete
    assert reply.rows[0].labels == {"a": "b"}
    assert (reply.rows[0].times.tolist(), reply.rows[0].values.tolist()) == ([1000.0], [2.5])


def test_range_rows(stub):
    """A range reply gives every point."""
    stub.modes = ["matrix"]
    reply = server(stub).query_range("up", 1000, 1300, 300)
    assert reply.rows[0].times.tolist() == [1000.0, 1300.0]
    assert reply.rows[0].values.tolist() == [1.0, 2.0]


def test_query_travels_in_the_body(stub):
    """Queries are posted: an address has a length limit, a body has none."""
    server(stub).query("up" * 100, 1000.5)
    method, path, form, _ = stub.requests[0]
    assert (method, path) == ("POST", "/api/v1/query")
    assert form == {"query": ["up" * 100], "time": ["1000.500"], "timeout": ["55s"]}


def test_range_is_asked_as_given(stub):
    """Start, end and step reach the server unchanged."""
    stub.modes = ["matrix"]
    server(stub).query_range("up", 3600, 7200, 3600)
    _, path, form, _ = stub.requests[0]
    assert path == "/api/v1/query_range"
    assert (form["start"], form["end"], form["step"]) == (["3600"], ["7200"], ["3600"])


@pytest.mark.parametrize(
    ("mode", "fault"),
    [
        ("warnings", "warning: results truncated due to limit"),
        ("isPartial", "the reply is partial (isPartial): a storage node did not answer"),
        ("NaN", "1 rows were native histograms, NaN, infinite or unreadable"),
        ("Inf", "1 rows were native histograms, NaN, infinite or unreadable"),
        ("histogram", "1 rows were native histograms, NaN, infinite or unreadable"),
    ],
)
def test_a_reply_that_hides_something_is_not_complete(stub, mode, fault):
    """Warnings, partial replies and values that are no numbers make a reply incomplete, and it says why."""
    stub.modes = [mode]
    reply = server(stub).query("up", 1000)
    assert not reply.complete
    assert reply.faults == (fault,)


def test_notes_hide_nothing(stub):
    """An info is no warning: the reply is complete."""
    stub.modes = ["infos"]
    assert server(stub).query("up", 1000).complete


def test_a_scalar_is_one_row(stub):
    """A scalar comes as a row without labels."""
    stub.modes = ["scalar"]
    reply = server(stub).query("3", 1000)
    assert (reply.rows[0].labels, reply.rows[0].values.tolist()) == ({}, [3.0])


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("401", "answered 401 (Unauthorized); give credentials: --prometheus-token-file"),
        ("403", "may not query"),
        ("404", "the path is wrong: behind a prefix it belongs into --prometheus"),
        ("HTML-200", "answered 200 (Sign in Please log in); this is no Prometheus API"),
        ("list-200", "this is no Prometheus API"),
        ("data-less", "this is no Prometheus API"),
        ("302", "answered 302 (redirect to https://login.example); give the address it leads to"),
    ],
)
def test_what_no_query_would_change_is_silence(stub, mode, words):
    """Not let in, a wrong path, a login page or a redirect: the error names the remedy, and no further query is due."""
    stub.modes = [mode]
    with pytest.raises(SilentError) as error:
        server(stub).query("up", 1000)
    assert words in str(error.value)
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("422", "422 execution: query processing would load too many samples into memory); it may be too much at once"),
        ("400", "400 bad_data: invalid parameter)"),
        ("503-timeout", "503 timeout: query timed out in expression evaluation); it took too long"),
        ("503", "answered 503 (starting); it is overloaded or starting"),
        ("500", "answered 500 (oops); try again later"),
        ("error-200", "200 execution: no such tenant)"),
        ("error-with-data", "200 internal: half)"),
    ],
)
def test_what_only_this_query_met(stub, mode, words):
    """A refused query carries the server's own words; it is asked once, and others may still be answered."""
    stub.modes = [mode]
    with pytest.raises(UnreadableError) as error:
        server(stub).query("up", 1000)
    assert not isinstance(error.value, SilentError)
    assert words in str(error.value)
    assert len(stub.requests) == 1


def test_too_many_queries_are_tried_again(stub):
    """A 429 is asked again, and the second reply counts."""
    stub.modes = ["429", "200"]
    assert server(stub).query("up", 1000).complete
    assert len(stub.requests) == 2


def test_too_many_queries_end_with_the_servers_words(stub):
    """After three attempts the error still has the server's text."""
    stub.modes = ["429"]
    with pytest.raises(UnreadableError, match=r"answered 429 \(slow down\); too many queries"):
        server(stub).query("up", 1000)
    assert len(stub.requests) == 3


def test_a_body_that_breaks_off(stub):
    """A reply shorter than announced is no reply."""
    stub.modes = ["truncated"]
    with pytest.raises(UnreadableError, match="broke off or was too slow"):
        server(stub).query("up", 1000)


def test_a_server_that_does_not_finish(stub, monkeypatch):
    """A server that takes longer than the read timeout is given up, and not asked again."""
    monkeypatch.setattr(module, "TIMEOUTS", (1.0, 0.05))
    stub.modes = ["slow"]
    with pytest.raises(UnreadableError, match="broke off or was too slow"):
        server(stub).query("up", 1000)
    assert len(stub.requests) == 1


def test_nobody_there(stub):
    """An address where nobody listens: the error says what to check."""
    url = stub.url
    stub.close()
    with pytest.raises(SilentError, match=r"does not answer.*Is the address right"):
        PrometheusServer(url, Access(pause=0)).query("up", 1000)


def test_credentials_are_read_anew(stub, tmp_path: Path):
    """A rotated token is used by the very next request; headers are sent along."""
    token = tmp_path / "token"
    token.write_text("one\n")
    asking = server(stub, token_file=token, headers={"X-Scope-OrgID": "team"})
    asking.query("up", 1000)
    token.write_text("two\n")
    asking.query("up", 1000)
    sent = [headers for *_, headers in stub.requests]
    assert [headers["Authorization"] for headers in sent] == ["Bearer one", "Bearer two"]
    assert sent[0]["X-Scope-OrgID"] == "team"


def test_a_missing_token_file_is_named(stub, tmp_path: Path):
    """A token file that is not there is an error with its name."""
    with pytest.raises(SilentError, match="nowhere"):
        server(stub, token_file=tmp_path / "nowhere").query("up", 1000)


def test_status_is_told_or_empty(stub):
    """Status pages are best effort: told where they exist, empty where they are refused."""
    asking = server(stub)
    stub.modes = ["200"]
    assert asking.status("buildinfo")["resultType"] == "vector"
    stub.modes = ["403"]
    assert asking.status("config") == {}
    stub.modes = ["list-200"]
    assert asking.status("flags") == {}


def test_metric_names(stub):
    """The names of all metrics, sorted."""
    stub.pages["/api/v1/label/__name__/values"] = (200, {}, b'{"status": "success", "data": ["up", "alerts"]}')
    assert server(stub).metric_names() == ("alerts", "up")


@pytest.mark.parametrize("ours", [0.0, -7200.0, 7200.0])
def test_the_clock_of_the_server_is_compared(stub, ours):
    """Every reply is dated; before the first one nothing is known."""
    asked = PrometheusServer(stub.url, Access(pause=0), clock=lambda: time.time() + ours)
    assert asked.ahead() is None
    asked.query("up", 1000)
    assert asked.ahead() == pytest.approx(-ours, abs=5)


def test_nobody_sees_passwords():
    """The name of a server for people has no user, password or query in it."""
    assert without_credentials("https://me:secret@host:9/x/?token=1") == "https://host:9/x"
    assert PrometheusServer("https://me:secret@host:9/x/").title == "https://host:9/x"


def test_markup_is_left_out_of_messages():
    """A page becomes one short line of text."""
    assert plain(b"<b>No</b>\n  entry") == "No entry"
    assert len(plain(b"x" * 5000)) == 200


class Refusing(HTTPAdapter):
    """Every request ends in one exception."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, *_: object, **__: object) -> requests.Response:
        raise self.error


def test_a_certificate_that_is_not_trusted():
    """TLS that cannot be verified names the way to name its CA."""
    asking = PrometheusServer("https://p", Access(pause=0), Refusing(requests.exceptions.SSLError("self-signed")))
    with pytest.raises(SilentError, match=r"was not trusted: self-signed\. Name its CA with --prometheus-ca"):
        asking.query("up", 1000)


def test_status_of_a_server_that_is_away():
    """Status pages are never worth an error."""
    asking = PrometheusServer("https://p", Access(pause=0), Refusing(requests.ConnectionError("down")))
    assert asking.status("buildinfo") == {}


def test_a_reply_that_is_none():
    """A client that fails before any reply still ends in an error for people."""
    asking = PrometheusServer("https://p", Access(pause=0), Refusing(TypeError("odd")))
    with pytest.raises(UnreadableError, match="gave no reply that could be read"):
        asking.query("up", 1000)


def test_a_result_that_is_one_object():
    """A result that is no list is one row, and unreadable."""
    assert read_reply({"metric": {}}, {}).complete is False


def test_certificates_are_passed_on():
    """CA and client certificate reach the session."""
    session = PostingSession(Access(ca=Path("ca.pem"), cert=(Path("c.pem"), Path("k.pem"))))
    assert (session.verify, session.cert) == ("ca.pem", ("c.pem", "k.pem"))
