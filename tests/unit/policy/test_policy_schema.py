"""What people write comes back as the same number, and a policy has one digest."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from microglia.policy.digest import policy_digest
from microglia.policy.export import json_schemas
from microglia.policy.fields import Duration, Fraction, Latency, PerHour, Quantity, Share, close, shown
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import Metadata, PolicySpec, PruningPolicy
from microglia.policy.wording import known_fields, sentence


class Values(BaseModel):
    share: Share = 0.0
    fraction: Fraction = 0.0
    span: Duration = timedelta(days=1)
    amount: Quantity = 0.0
    rate: PerHour = 0.0
    late: Latency = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("field", "written", "value", "printed"),
    [
        ("share", "20%", 0.2, "20%"),
        ("share", 1.5, 1.5, "150%"),
        ("share", "12.34375%", 0.1234375, "12.34375%"),
        ("fraction", 1, 1.0, "100%"),
        ("span", "1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4), "1d2h3m4s"),
        ("span", 90, timedelta(seconds=90), "1m30s"),
        ("span", 0.5, timedelta(seconds=0.5), "1s"),
        ("amount", "500m", 0.5, "0.5"),
        ("amount", "40Gi", 42949672960.0, "42949672960"),
        ("rate", "0.5/s", 1800.0, "1800/h"),
        ("late", "500ms", timedelta(milliseconds=500), "500ms"),
        ("late", " 2.5s ", timedelta(seconds=2.5), "2500ms"),
        ("late", timedelta(milliseconds=0.5), timedelta(milliseconds=0.5), "0.5ms"),
    ],
)
def test_values_are_read_with_their_unit_and_printed_without_loss(
    field: str, written: Any, value: Any, printed: str
) -> None:
    """Every digit that was written is still there after printing: digests and files agree."""
    values = Values.model_validate({field: written})
    assert getattr(values, field) == value
    text = json.loads(values.model_dump_json())[field]
    assert text == printed
    if field != "span" or written != 0.5:
        assert Values.model_validate({field: text}) == values


@pytest.mark.parametrize(("field", "written"), [("share", True), ("amount", "1e400"), ("rate", "nan"), ("span", None)])
def test_what_is_no_number_is_refused(field: str, written: Any) -> None:
    """Truth values, infinities and nothing at all are no amounts."""
    with pytest.raises(ValidationError):
        Values.model_validate({field: written})


@pytest.mark.parametrize("written", ["0ms", "3601s", 500, "500", "1m", "", None, timedelta(0)])
def test_what_is_no_latency_is_refused(written: Any) -> None:
    """It is a text with its unit, longer than nothing and no longer than the histograms of Istio reach."""
    with pytest.raises(ValidationError, match=r"is not a latency up to an hour; write 500ms or 2\.5s"):
        Values.model_validate({"late": written})


def test_a_policy_printed_and_read_again_is_the_same_policy() -> None:
    """The whole default survives its own JSON."""
    policy = PruningPolicy()
    assert PruningPolicy.model_validate_json(policy.model_dump_json(by_alias=True)) == policy


def test_the_digest_moves_with_every_value_and_not_with_the_writing() -> None:
    """Another headroom or another name is another policy; a label or a default written out is not."""
    plain = PruningPolicy()
    written = PruningPolicy(
        metadata=Metadata(name="default", labels={"team": "a"}),
        spec=PolicySpec.model_validate({"retention": {"headroom": 0.1}}),
    )
    finer = PruningPolicy(spec=PolicySpec.model_validate({"retention": {"headroom": "10.00001%"}}))
    renamed = PruningPolicy(metadata=Metadata(name="other"))
    assert policy_digest(written) == policy_digest(plain)
    assert len({policy_digest(one) for one in (plain, finer, renamed)}) == 3
    acting = PruningPolicy(spec=PolicySpec.model_validate({"actuation": {"mode": "auto"}}))
    assert policy_digest(acting) == policy_digest(plain)
    unwritten = PruningPolicy(spec=PolicySpec.model_validate({"actuation": {"routes": []}}))
    assert policy_digest(unwritten) != policy_digest(plain)


def test_the_schema_for_editors_allows_units_and_forbids_unknown_keys() -> None:
    """Both kinds are exported, closed, under the names that people write."""
    schemas = json_schemas()
    assert set(schemas) == {"PruningPolicy", "Protection"}
    cap = schemas["PruningPolicy"]["$defs"]["Cap"]
    assert cap["additionalProperties"] is False
    assert set(cap["properties"]) == {"share", "atLeast", "atMost"}
    assert [one["type"] for one in cap["properties"]["share"]["anyOf"]] == ["string", "number"]


def test_a_protection_takes_a_date_as_yaml_or_python_gives_it() -> None:
    """An expiry is a day, however it arrives."""
    spec = {"targets": [{"kind": "Service", "name": "a"}], "reason": "x"}
    for until in ("2027-06-30", date(2027, 6, 30)):
        body = {"metadata": {"name": "p", "namespace": "n"}, "spec": {**spec, "until": until}}
        assert ProtectionObject.model_validate(body).spec.until == date(2027, 6, 30)


def test_the_word_that_was_meant_is_found_or_nothing_is_said() -> None:
    """A near word is suggested whatever its case; a far one is not."""
    assert close("per_lap", ["perLap", "rounds"]) == "perLap"
    assert close("zzz", ["perLap"]) is None


def test_values_are_shown_as_they_were_written_and_never_at_length() -> None:
    """Errors stay on one line."""
    assert [shown(one) for one in (False, "a", 1.50, 3)] == ["false", '"a"', "1.5", "3"]
    assert len(shown("x" * 100)) == 60


def test_a_refusal_of_another_kind_still_points_somewhere() -> None:
    """Whatever else the schema may refuse is told in plain words too."""
    error: Any = {"type": "something_new", "loc": ("spec",), "input": 3}
    assert sentence(error, PruningPolicy) == "3 is not accepted here; microglia policy schema shows what is"
    assert known_fields(PruningPolicy, ("spec", "nowhere", "else")) == ()
