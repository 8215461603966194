"""A kind is read wherever it is served: first version of each group, every group."""

from collections.abc import Mapping

import pytest

from microglia.model.kinds import BY_NAME, KINDS, Kind
from microglia.model.listing import listed
from microglia.model.ports import AbsentError, UnreadableError
from tests.factories import Json, thing


class Cluster:
    """Serves lists by path; an exception in place of a list is raised, and what is not named is absent."""

    def __init__(self, served: Mapping[str, list[Json] | Exception]) -> None:
        self.served = {f"/apis/{path}": found for path, found in served.items()}
        self.asked: list[str] = []

    def objects(self, kind: Kind) -> list[Json]:
        self.asked.append(kind.path)
        found = self.served.get(kind.path, AbsentError(kind.path))
        if isinstance(found, Exception):
            raise found
        return found


ONE, TWO = thing("X", "one"), thing("X", "two")
OLD, NEW = (f"multicluster.x-k8s.io/{version}/serviceexports" for version in ("v1alpha1", "v1beta1"))
BEFORE, AFTER = (f"{group}/v1beta1/gslbs" for group in ("k8gb.absa.oss", "k8gb.io"))


@pytest.mark.parametrize("path", [OLD, NEW])
def test_either_version_is_read(path: str) -> None:
    """A ServiceExport of an old or a new release is the same promise to other clusters."""
    assert listed(Cluster({path: [ONE]}), BY_NAME["ServiceExport"]) == [ONE]


def test_versions_of_one_group_show_the_same_objects() -> None:
    """So the second is not asked for: it would count everything twice."""
    cluster = Cluster({OLD: [ONE], NEW: [ONE]})
    assert listed(cluster, BY_NAME["ServiceExport"]) == [ONE]
    assert cluster.asked == [f"/apis/{OLD}"]


def test_groups_each_have_their_own_objects() -> None:
    """While people move from one to the other, both hold some."""
    assert listed(Cluster({BEFORE: [ONE], AFTER: [TWO]}), BY_NAME["Gslb"]) == [ONE, TWO]


def test_a_kind_that_nothing_serves_is_absent() -> None:
    """Which is normal for a mesh that is not installed."""
    with pytest.raises(AbsentError, match=r"/apis/k8gb\.absa\.oss/v1beta1/gslbs is not served here"):
        listed(Cluster({}), BY_NAME["Gslb"])


def test_a_place_that_refuses_hides_the_kind() -> None:
    """Half of a list would be taken for the whole."""
    with pytest.raises(UnreadableError, match="forbidden"):
        listed(Cluster({BEFORE: [ONE], AFTER: UnreadableError("forbidden")}), BY_NAME["Gslb"])


def test_every_place_of_every_kind_is_one_path() -> None:
    """No two kinds, and no two places of one, are the same list."""
    paths = [place.path for kind in KINDS for place in kind.places]
    assert len(set(paths)) == len(paths)
    assert all(place.name == kind.name and place.also == () for kind in KINDS for place in kind.places[1:])
