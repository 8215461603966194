"""What a world's file may say, and what it hears when it says something else."""

from datetime import UTC, datetime

import pytest

from microglia.world.layout import build, replicas_of
from microglia.world.load import WorldFileError, load, moved, names, parse

GOOD = """
name: one
start: 2026-09-07T00:00:00Z
zones: [{name: a}]
namespaces: {shop: {}}
defaults: {replicas: 4, cpu: 250m}
workloads:
  shop/front: {ports: [{name: http, port: 80}]}
  shop/back: {replicas: 2}
calls: [{client: shop/front, host: back.shop, rate: 1}]
"""


def test_defaults_fill_in_what_a_workload_does_not_say() -> None:
    """Every workload has the file's defaults unless it says otherwise."""
    world = parse(GOOD, "one.yaml")
    assert world.workloads["shop/front"].replicas == 4
    assert world.workloads["shop/back"].replicas == 2
    assert world.workloads["shop/back"].cpu == "250m"


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("cpu: 250m", "cpu: much", 'one.yaml: workloads.shop/front.cpu: Value error, "much" is not a quantity'),
        ("replicas: 4", "replicaz: 4", "one.yaml: workloads.shop/front.replicaz: Extra inputs"),
        ("client: shop/front", "client: shop/nobody", 'one.yaml: calls[0].client: no workload "shop/nobody"'),
        ("rate: 1}", "rate: 1, shape: odd}", 'one.yaml: calls[0].shape: no shape "odd"'),
        ("T00:00:00Z", "T00:30:00Z", "one.yaml: start: Value error, a world starts on a whole hour"),
        ("shop/back:", "elsewhere/back:", "one.yaml: elsewhere/back: write namespace/name"),
        (
            "replicas: 2",
            "replicas: 2, region: mars",
            'one.yaml: workloads.shop/back.region: no zone lies in region "mars"',
        ),
        (
            "rate: 1}",
            'rate: 1, at: [{day: 1, clock: "25:00"}]}',
            'one.yaml: calls.0.at.0.clock: Value error, "25:00" is',
        ),
        (
            "rate: 1}",
            'rate: 1, at: [{day: 1, clock: "10:00"}]}',
            "one.yaml: calls.0: Value error, single calls stand alone",
        ),
        ("[{name: a}]", "[{name: a}", "one.yaml: not YAML"),
        (GOOD, "- just a list", "one.yaml: a world is a mapping"),
        ("rate: 1}]", "rate: 1}]\naccidents: [{kind: zone, target: z, day: 1, start: '1:00'}]", "accidents[0].target"),
    ],
)
def test_an_error_names_file_and_field(before: str, after: str, where: str) -> None:
    """Whatever is wrong is told with the file, the field and the remedy."""
    with pytest.raises(WorldFileError) as error:
        parse(GOOD.replace(before, after), "one.yaml")
    assert where in str(error.value)


def test_an_unknown_world_is_told_which_there_are() -> None:
    """Asking for a world that does not exist lists those that do."""
    with pytest.raises(WorldFileError, match='no world "mars"; there are boutique, shop'):
        load("mars")


def test_a_file_that_cannot_be_read_is_told_by_path(tmp_path) -> None:
    """A missing file is an error with its path, not a traceback."""
    with pytest.raises(WorldFileError, match=r"none\.yaml: cannot be read"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize(("name", "workloads"), [("boutique", 13), ("shop", 60)])
def test_the_worlds_of_the_package_hold_together(name: str, workloads: int) -> None:
    """Every shipped world loads, and every name in it resolves."""
    assert name in names()
    layout = build(load(name))
    assert len(layout.keys) == workloads
    assert {lane.call for lane in layout.lanes} == set(range(len(layout.calls)))


def test_a_world_can_be_moved_in_time() -> None:
    """A moved world differs in nothing but its start."""
    world = load("boutique")
    there = moved(world, datetime(2026, 10, 5, 7, tzinfo=UTC))
    assert there.start == datetime(2026, 10, 5, 7, tzinfo=UTC)
    assert there.model_copy(update={"start": world.start}) == world
    assert load("boutique", there.start) == there


def test_need_times_overproduction_is_what_a_world_begins_with() -> None:
    """What a workload needs, times the world's factor, rounded up; one that says neither need nor count gets 1."""
    text = GOOD.replace("zones:", "overproduction: 1.6\nzones:").replace("{replicas: 2}", "{need: 4, replicas: null}")
    world = parse(text.replace("replicas: 4, ", ""), "one.yaml")
    assert replicas_of(world, world.workloads["shop/back"]) == 7
    assert replicas_of(world, world.workloads["shop/front"]) == 1


def test_less_than_nothing_is_no_quantity() -> None:
    """A negative quantity is refused with what to write instead."""
    with pytest.raises(WorldFileError, match='"-1" is less than nothing; write 500m or 256Mi'):
        parse(GOOD.replace("cpu: 250m", 'cpu: "-1"'), "one.yaml")
