"""The journal in objects keeps its contracts on the real API server, with the generated definitions."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from kubernetes import config

from microglia.act.cluster import ApiCluster
from microglia.model.kinds import BY_NAME
from microglia.model.ports import AbsentError
from microglia.plan.object import PLAN_KIND
from microglia.policy.mirror import mirrored
from microglia.policy.schema import PruningPolicy
from microglia.report.crds import custom_resources
from microglia.store.objects import ObjectJournal
from tests.contract.journal_contract import CHECKS, NOW, OFFERS, POLICIES, Subject, state
from tests.lab import Lab


@pytest.fixture(scope="module")
def real(lab: Lab) -> Iterator[ApiCluster]:
    """The API server with the three kinds; wiped afterwards."""
    lab.wipe(keep=["customresourcedefinitions"])
    lab.apply(custom_resources().values())
    yield ApiCluster(config.new_client_from_config(str(lab.kubeconfig)))
    lab.wipe()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("check", [*CHECKS, *OFFERS], ids=lambda check: check.__name__)
def test_the_real_server_keeps_the_contract(check: Callable[[Subject], None], real: ApiCluster, lab: Lab) -> None:
    """One promise of Journal or of Offers, from nothing."""
    for kind in ("pruningplans", "pruningpolicies"):
        lab.api.delete(f"/apis/microglia.dev/v1alpha1/{kind}")

    def opened() -> ObjectJournal:
        return ObjectJournal(real, lambda: NOW, POLICIES)

    check(Subject(opened, opened))


@pytest.mark.timeout(120)
def test_a_mirror_is_known_after_the_server_kept_it(real: ApiCluster, lab: Lab) -> None:
    """Whatever it does to nulls and numbers; and it is written once."""
    lab.api.delete("/apis/microglia.dev/v1alpha1/pruningpolicies")
    policies = {"default": PruningPolicy.model_validate({"spec": {"retention": {"stretch": 2, "failureStretch": 3}}})}
    journal = ObjectJournal(real, lambda: NOW, policies)
    journal.save(state())
    first = real.read(BY_NAME["PruningPolicy"], "", "default")
    assert first is not None
    assert mirrored(first)
    journal.reopen("default", NOW)
    second = real.read(BY_NAME["PruningPolicy"], "", "default")
    assert second is not None
    assert second["metadata"]["generation"] == first["metadata"]["generation"]


@pytest.mark.timeout(120)
def test_the_real_server_says_who_asks_and_what_it_knows(real: ApiCluster) -> None:
    """A user name for approvals; a kind whose CRD is not there is absent, and told so by discovery."""
    assert real.user()
    assert real.serves(PLAN_KIND)
    elsewhere = replace(PLAN_KIND, plural="pruningdreams")
    assert not real.serves(elsewhere)
    assert not real.serves(replace(PLAN_KIND, group="dreams.dev"))
    with pytest.raises(AbsentError):
        real.objects(elsewhere)
