"""Who leads, when the next lap is due, what ends a wait, and what is watched."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import urllib3

from microglia.act.lease import Lease, Terms
from microglia.daemon.bell import Bell
from microglia.daemon.health import Pulse
from microglia.daemon.leader import Election, LeaseLostError
from microglia.daemon.schedule import Schedule
from microglia.daemon.stream import ApiStream, ExpiredError, lines
from microglia.daemon.watch import PAUSE, SpecWatch
from microglia.model.kinds import BY_NAME
from microglia.model.ports import ForbiddenError, GoneError, UnreadableError
from tests.unit.daemon.stage import Hand, Stage, stage

QUICK = Terms(duration=1.5, deadline=1.0, retry=0.2, name="microglia-writer")
LEASE = BY_NAME["Lease"]


def election(scene: Stage, who: str, hand: Hand | None = None, terms: Terms = QUICK) -> Election:
    """Somebody who stands for the lease."""
    lease = Lease(scene.cluster, "default", who, lambda: scene.now, terms)
    pulse = Pulse(scene.time.ticks, 60)
    return Election(lease, scene.time, hand or Hand(scene), pulse, lambda: scene.stopping)


def holder(scene: Stage) -> str:
    """Who holds the lease."""
    raw = scene.cluster.read(LEASE, "default", QUICK.name)
    return str(raw["spec"]["holderIdentity"]) if raw else ""


def test_pauses_differ_by_their_jitter() -> None:
    """Ten percent shorter or longer; none at all without jitter."""
    assert [Schedule(600, 0.1, lambda: 0.0).pause(), Schedule(600, 0.1, lambda: 1.0).pause()] == [540, 660]
    assert Schedule(600, 0.0, lambda: 0.7).pause() == 600


def test_a_bell_wakes_and_says_why() -> None:
    """Rings before and during the wait are all told, once; without one the wait runs out."""
    bell = Bell()
    bell.ring("one")
    bell.ring("two")
    assert bell.wait(60) == ("one", "two")
    assert bell.wait(0) == ()
    threading.Timer(0, lambda: bell.ring("late")).start()
    assert bell.wait(60) == ("late",)


def test_the_first_one_leads_and_lets_go_at_the_end() -> None:
    """Its pulse says so meanwhile."""
    scene = stage()
    mine = election(scene, "ann")
    with mine.won() as held:
        assert held is not None
        assert held.lost() is None
        assert holder(scene) == "ann"
        mine.pulse.lapped()
        assert mine.pulse.ready().well
    assert holder(scene) == ""
    assert not mine.pulse.ready().well


def test_the_second_one_stands_by_until_the_first_is_gone() -> None:
    """It knows who leads, is alive, and takes over when the lease was let go."""
    scene = stage()
    lease = Lease(scene.cluster, "default", "ann", lambda: scene.now, QUICK)
    lease.take(lambda sentence: None)
    seen: list[str] = []
    hand = Hand(scene)
    standby = election(scene, "bob", hand)

    def meanwhile() -> None:
        seen.append(standby.pulse.ready().why)
        lease.renew()
        if len(hand.waited) == 5:
            lease.release()

    hand.meanwhile = meanwhile
    with standby.won():
        assert holder(scene) == "bob"
    assert len(seen) == 5
    assert seen[0].startswith("stands by: ann is acting on this cluster since")
    assert hand.waited == [0.2] * 5


def test_a_dead_leader_is_watched_before_it_is_followed() -> None:
    """The lease runs out, does not move for as long as it holds, and then is taken."""
    scene = stage()
    Lease(scene.cluster, "default", "ann", lambda: scene.now, QUICK).take(lambda sentence: None)
    died = scene.now
    hand = Hand(scene)
    with election(scene, "bob", hand).won():
        assert holder(scene) == "bob"
    assert QUICK.duration * 2 < (scene.now - died).total_seconds() < QUICK.duration * 4


def test_a_watch_that_is_cut_short_takes_nothing() -> None:
    """SIGTERM while watching: a lease that was not watched to the end is not taken."""
    scene = stage()
    Lease(scene.cluster, "default", "ann", lambda: scene.now, QUICK).take(lambda sentence: None)
    scene.pass_seconds(60)
    hand = Hand(scene)
    hand.meanwhile = lambda: setattr(scene, "stopping", "stopped by SIGTERM")
    with election(scene, "bob", hand).won() as held:
        assert held is None
    assert holder(scene) == "ann"


@pytest.mark.parametrize("error", [UnreadableError("down"), ForbiddenError("leases is forbidden")])
def test_without_a_lease_nobody_leads(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A silent or refusing API server is asked again; it is said why nothing happens."""
    scene = stage()

    def refuse(number: int, what: str) -> None:
        raise error

    scene.cluster.before_write = refuse
    hand = Hand(scene)

    def meanwhile() -> None:
        if len(hand.waited) == 3:
            scene.cluster.before_write = None

    hand.meanwhile = meanwhile
    with caplog.at_level(logging.WARNING), election(scene, "ann", hand).won() as held:
        assert held is not None
    assert caplog.text.count("no lease yet") == 3


def test_told_to_stop_it_does_not_even_stand() -> None:
    """Nothing is taken."""
    scene = stage()
    scene.stopping = "stopped by SIGTERM"
    with election(scene, "ann").won() as held:
        assert held is None
    assert holder(scene) == ""


def test_a_lost_lease_ends_the_process() -> None:
    """No further lap is begun, and the agent says that another leads; a new process stands by."""
    scene = stage()
    agent, hand = scene.agent("reader"), Hand(scene)
    slow = Terms(duration=15, deadline=10, retry=2, name=QUICK.name)

    def rob() -> None:
        scene.cluster.edit(LEASE, "default", QUICK.name, lambda raw: raw["spec"].update(holderIdentity="eve"))
        scene.pass_seconds(60)

    hand.meanwhile = rob
    with pytest.raises(LeaseLostError, match=r"could not be renewed|somebody else took"):
        agent.run(election(scene, "ann", hand, slow), Schedule(600, 0.1, lambda: 0.5), hand)
    assert holder(scene) == "eve"
    assert len(hand.waited) == 1


def test_sigterm_ends_the_loop_and_frees_the_lease() -> None:
    """The wait is over at once, no lap is begun any more, and the next one need not wait."""
    scene = stage()
    agent, hand = scene.agent("reader"), Hand(scene)

    def stop() -> None:
        scene.stopping = "stopped by SIGTERM"

    hand.meanwhile = stop
    agent.run(election(scene, "ann", hand, Terms(name=QUICK.name)), Schedule(5, 0.0, lambda: 0.5), hand)
    assert holder(scene) == ""
    assert (hand.waited, agent._laps) == ([5], 1)
    agent.run(election(scene, "ann", hand), Schedule(5, 0.0, lambda: 0.5), hand)
    assert agent._laps == 1


class River:
    """A stream that sends what it is told; every answer is a list of events or an error."""

    def __init__(self, *answers: Sequence[dict[str, Any]] | Exception) -> None:
        self.answers = list(answers)
        self.objects: list[dict[str, Any]] = [policy_object("shop", 1)]
        self.version = "100"
        self.asked: list[str] = []

    def listed(self) -> tuple[Sequence[dict[str, Any]], str]:
        self.asked.append("list")
        return self.objects, self.version

    def changes(self, since: str) -> Iterator[dict[str, Any]]:
        self.asked.append(since)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield from answer


def policy_object(name: str, generation: int, version: str = "100", uid: str = "u") -> dict[str, Any]:
    """As the API server tells it."""
    return {"metadata": {"name": name, "uid": uid, "generation": generation, "resourceVersion": version}}


def event(kind: str, name: str, generation: int, version: str) -> dict[str, Any]:
    """A watch event."""
    return {"type": kind, "object": policy_object(name, generation, version)}


def pulse(ticks: Callable[[], float] = lambda: 0.0) -> Pulse:
    """One that nobody asks."""
    return Pulse(ticks, 60)


def run(river: River) -> list[str]:
    """Watch until the river has no more answers; what was rung."""
    bell = Bell()
    watch = SpecWatch(river, bell, "policies", pulse())
    while river.answers:
        watch.once(lambda: False)
    return list(bell.wait(0))


def test_a_changed_spec_rings_and_a_changed_status_does_not() -> None:
    """The generation moves with the spec alone; what is there at the start is no news."""
    river = River([
        event("ADDED", "shop", 1, "101"),
        event("MODIFIED", "shop", 1, "102"),
        event("MODIFIED", "shop", 2, "103"),
        event("ADDED", "new", 1, "104"),
        event("DELETED", "shop", 2, "105"),
        event("DELETED", "shop", 2, "106"),
    ])  # fmt: skip
    assert run(river) == ["policies shop changed", "policies new changed", "policies shop changed"]


def test_it_goes_on_from_the_newest_version_it_saw() -> None:
    """Of an event or of a bookmark; without a new list."""
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "150"}}}
    river = River([event("MODIFIED", "shop", 2, "103")], [bookmark], [])
    run(river)
    assert river.asked == ["list", "100", "103", "150"]


def test_missing_bookmarks_and_410_list_anew_and_miss_nothing() -> None:
    """What changed in between shows in the generations; what did not rings nothing."""
    river = River([], ExpiredError("too old resource version"), [])
    river.version = "100"
    assert run(river) == []
    assert river.asked == ["list", "100", "100", "list", "100"]
    river = River([event("MODIFIED", "shop", 2, "103")], ExpiredError("too old"), [])
    bell = Bell()
    watch = SpecWatch(river, bell, "policies", pulse())
    watch.once(lambda: False)
    assert bell.wait(0) == ("policies shop changed",)
    watch.once(lambda: False)
    river.objects = [policy_object("shop", 3), policy_object("new", 1)]
    river.version = "900"
    watch.once(lambda: False)
    assert bell.wait(0) == ("policies new, shop changed",)
    assert river.asked[-2:] == ["list", "900"]


def test_an_object_made_anew_under_its_name_is_news() -> None:
    """Another uid of the same generation is another policy."""
    river = River([{"type": "MODIFIED", "object": policy_object("shop", 1, "101", uid="v")}])
    assert run(river) == ["policies shop changed"]


@pytest.mark.parametrize("error", [UnreadableError("down"), ForbiddenError("no"), GoneError("no such kind")])
def test_a_watch_that_fails_is_tried_again_ever_later(error: Exception) -> None:
    """From one second to a minute; a success begins anew, and the place is kept."""
    river = River(*[error] * 6, [event("MODIFIED", "shop", 2, "103")], error)
    watch = SpecWatch(river, Bell(), "policies", pulse())
    assert [watch.once(lambda: False) for _ in range(8)] == [*PAUSE, 60.0, 1.0, 1.0]
    assert river.asked == ["list", *["100"] * 7, "103"]


def test_an_unexpected_failure_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, health hears of it, and after a pause that grows it lists anew and goes on."""
    clock = [0.0]
    beats = pulse(lambda: clock[0])
    river = River(KeyError("object"), KeyError("object"), [event("MODIFIED", "shop", 2, "103")], [])
    watch = SpecWatch(river, bell := Bell(), "policies", beats)
    assert watch.once(lambda: False) == PAUSE[0]
    clock[0] = 61.0
    beats.beat()
    assert watch.once(lambda: False) == PAUSE[1]
    assert (beats.alive().well, "policies could not be watched for 61 s" in beats.alive().why) == (False, True)
    assert [(one.levelname, bool(one.exc_info)) for one in caplog.records] == [("ERROR", True)] * 2
    assert watch.once(lambda: False) == PAUSE[0]
    assert bell.wait(0) == ("policies shop changed",)
    assert beats.alive().well
    assert river.asked == ["list", "100", "list", "100", "list", "100"]


def test_the_watching_thread_ends_when_told() -> None:
    """Between two events, not only between two watches."""
    ended = threading.Event()
    river = River([event("MODIFIED", "shop", 2, "101"), event("MODIFIED", "shop", 3, "102")])
    bell = Bell()
    watch = SpecWatch(river, bell, "policies", pulse())
    ended.set()
    watch.once(ended.is_set)
    assert bell.wait(0) == ("policies shop changed",)
    watch.run(ended)
    assert river.asked == ["list", "100"]


def test_the_thread_watches_until_it_is_told_to_end() -> None:
    """One watch after the other, with a pause between them."""

    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            paused.append(timeout)
            if len(paused) == 3:
                self.set()
            return self.is_set()

    paused: list[float | None] = []
    river = River([], [], [])
    SpecWatch(river, Bell(), "policies", pulse()).run(Ending())
    assert (river.asked, paused) == (["list", "100", "100", "100"], [1.0, 1.0, 1.0])


class Reply:
    """What urllib3 hands back for one request."""

    def __init__(self, status: int, body: bytes, chunk: int = 7, *, cut: bool = False) -> None:
        self.status, self.body, self.chunk, self.cut = status, body, chunk, cut
        self.closed = False

    def read(self) -> bytes:
        if self.cut:
            raise urllib3.exceptions.ProtocolError("cut")
        return self.body

    def stream(self, size: int) -> Iterator[bytes]:
        for at in range(0, len(self.body), self.chunk):
            yield self.body[at : at + self.chunk]
        if self.cut:
            raise urllib3.exceptions.ProtocolError("cut")

    def __enter__(self) -> "Reply":
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


class Api:
    """The little that is used of an ApiClient."""

    def __init__(self, reply: Reply | Exception) -> None:
        self.reply = reply
        self.urls: list[str] = []
        self.rest_client = self.pool_manager = self

    def param_serialize(self, method: str, target: str, **more: Any) -> tuple[Any, ...]:
        assert more["auth_settings"] == ["BearerToken"]
        return method, f"https://api{target}", more["header_params"], None, None

    def request(self, method: str, url: str, **more: Any) -> Reply:
        self.urls.append(url)
        assert (method, more["preload_content"], more["retries"]) == ("GET", False, False)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def api_stream(status: int, body: bytes | dict[str, Any], **more: Any) -> tuple[ApiStream, Api]:
    """A stream over one reply."""
    api = Api(Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), **more))
    return ApiStream(api, BY_NAME["PruningPolicy"]), api


def test_a_list_is_read_with_its_version() -> None:
    """Objects and the place from which to watch; the connection is given back."""
    stream, api = api_stream(200, {"metadata": {"resourceVersion": "7"}, "items": [policy_object("shop", 1)]})
    assert stream.listed() == ([policy_object("shop", 1)], "7")
    assert api.urls == ["https://api/apis/microglia.dev/v1alpha1/pruningpolicies"]
    assert isinstance(api.reply, Reply)
    assert api.reply.closed


def test_a_watch_asks_for_bookmarks_and_an_end() -> None:
    """Events come line by line, however the network cut them; a half line at the end is dropped."""
    first, second = event("ADDED", "shop", 1, "8"), event("MODIFIED", "shop", 2, "9")
    body = b"\n".join([json.dumps(first).encode(), b"", json.dumps(second).encode(), b'{"type": "MODI'])
    stream, api = api_stream(200, body)
    assert list(stream.changes("7")) == [first, second]
    asked = api.urls[0].partition("?")[2]
    assert asked == "watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300"
    assert list(lines(iter([b"a\nb", b"c\n", b"d"]))) == [b"a", b"bc"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (410, {"message": "too old"}, ExpiredError),
        (200, {"type": "ERROR", "object": {"code": 410, "message": "too old"}}, ExpiredError),
        (200, {"type": "ERROR", "object": {"code": 500, "message": "etcd is down"}}, UnreadableError),
        (403, {"message": "forbidden"}, ForbiddenError),
        (404, {"message": "no such kind"}, GoneError),
        (503, b"starting", UnreadableError),
        (200, b"<html>\n", UnreadableError),
    ],
)
def test_every_end_of_a_watch_has_its_name(status: int, body: Any, error: type[Exception]) -> None:
    """Too old lists anew; everything else is a failure that says what it was."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode() + b"\n"
    with pytest.raises(error):
        list(api_stream(status, text)[0].changes("7"))


def test_a_connection_that_breaks_is_a_failure() -> None:
    """In the middle of a list, in the middle of a watch, or before either."""
    with pytest.raises(UnreadableError, match="broke off"):
        api_stream(200, b"{}", cut=True)[0].listed()
    with pytest.raises(UnreadableError, match="not JSON"):
        api_stream(200, b"<html>")[0].listed()
    with pytest.raises(UnreadableError, match="the watch of pruningpolicies broke off"):
        list(api_stream(200, b"{}\n", cut=True)[0].changes("7"))
    silent = ApiStream(Api(urllib3.exceptions.TimeoutError("silent")), BY_NAME["PruningPolicy"])
    with pytest.raises(UnreadableError, match="did not answer"):
        silent.listed()
