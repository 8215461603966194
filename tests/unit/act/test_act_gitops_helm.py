"""Helm charts: the value that is plainly the count is edited; where it is not plain, a person is asked."""

import pytest

from microglia.act.gitops.charts import release_of
from microglia.act.gitops.files import Hints
from tests.unit.act.charted import CASES, MARKS, PROD, RELEASE, TEMPLATE, VALUES, Case, chart
from tests.unit.act.checkouts import hiding, placed, scaling


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_one_value_that_fits_is_edited(case: Case):
    """A template that takes the count from it, one file that says the number; not a byte beside it changes."""
    files = dict(case.files)
    (found,) = placed(files, scaling(case.named), **case.marks)
    assert found.reason == ""
    assert {path for path in files if files[path] != case.files[path]} == {case.edits}
    before, after = case.files[case.edits].splitlines(), files[case.edits].splitlines()
    assert [(old.replace("5", "4", 1), new) for old, new in zip(before, after, strict=True) if old != new] == [
        (new, new) for old, new in zip(before, after, strict=True) if old != new
    ]


def test_values_of_a_helm_release_are_edited_in_it():
    """Flux keeps them in its own object, which names the chart's folder."""
    files = chart(values_yaml=VALUES.replace("5     #", "1     #")) | {"clusters/prod/cart.yaml": RELEASE}
    (found,) = placed(files, scaling(), **MARKS)
    assert found.reason == ""
    assert files["clusters/prod/cart.yaml"] == RELEASE.replace("replicaCount: 5", "replicaCount: 4")
    application = RELEASE.replace("HelmRelease", "Application").replace(
        "  chart:\n    spec:\n      chart: ./charts/cart\n  values:\n    replicaCount",
        "  source:\n    path: charts/cart\n    helm:\n      valuesObject:\n        replicaCount",
    )
    files = chart(values_yaml=VALUES.replace("5     #", "1     #")) | {"apps/cart.yaml": application}
    (found,) = placed(files, scaling(), **MARKS)
    assert found.reason == ""
    assert files["apps/cart.yaml"] == application.replace("replicaCount: 5", "replicaCount: 4")


ASK = "--values-path shop/cart="


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            chart(values0prod_yaml=PROD),
            (f"{ASK}charts/cart/values-prod.yaml:replicaCount", "values.yaml:replicaCount says 5"),
        ),
        (chart(values0prod_yaml="image: x\n"), (f"{ASK}charts/cart/values.yaml:replicaCount",)),
        (chart(values_yaml=VALUES.replace("5", "3")), ("says 3; the cluster has 5",)),
        (chart(values_yaml="image: x\n"), ("no file says a number there",)),
        (chart() | chart("old/cart"), ("charts/cart/templates/deployment.yaml", "old/cart/values.yaml:replicaCount")),
    ],
)
def test_what_is_not_plain_is_asked_for(files, words):
    """Several values that fit, a default that others may live on, drift: with what was found, and how to say it."""
    before = dict(files)
    (found,) = placed(files, scaling(), **MARKS)
    assert all(word in found.reason for word in words), found.reason
    assert "which value is its count is not plain" in found.reason
    assert files == before


def test_a_person_says_which_value_it_is():
    """--values-path settles it, for charts that lie elsewhere too; it is still checked against the cluster."""
    hints = Hints(values={"shop/cart": ("values-prod.yaml", ("cart", "replicaCount"))})
    files = {"values-prod.yaml": "cart:\n  replicaCount: 5 # sale\n"}
    (found,) = placed(files, scaling(), hints=hints)
    assert [(edit.path, edit.how) for edit in found.edits] == [("values-prod.yaml", "value cart.replicaCount")]
    assert files == {"values-prod.yaml": "cart:\n  replicaCount: 4 # sale\n"}
    for text, words in (
        ("cart:\n  replicaCount: 3\n", "values-prod.yaml line 2 says 3, the cluster has 5"),
        ("cart: {}\n", "has no value cart.replicaCount; write it there first, with 5"),
        ("cart: [\n", "values-prod.yaml is no YAML"),
        ("a: &n 5\ncart: {replicaCount: *n}\n", "an alias or a tag shares this number"),
    ):
        (found,) = placed({"values-prod.yaml": text}, scaling(), hints=hints)
        assert words in found.reason
    assert "there is no file values-prod.yaml" in placed({}, scaling(), hints=hints)[0].reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{{ include "cart.fullname" . }}', "cart"),
        ('{{ include "cart.fullname" . }}', "{{ .Release.Name }}"),
        ('{{ include "cart.fullname" . }}', '"{{ .Chart.Name }}"'),
        ('{{ include "cart.fullname" . }}', '{{ template "cart.name" . }}'),
        ('{{ include "cart.fullname" . }}', "{{ .Values.name | trunc 63 }}"),
        ("{{ .Values.replicaCount | default 1 | int }}", "{{ .Values.replicaCount }}"),
        ("{{ .Values.replicaCount | default 1 | int }}", "{{ int .Values.replicaCount }}"),
        ("{{ .Values.replicaCount | default 1 | int }}", '"{{- $.Values.replicaCount | quote -}}"'),
    ],
)
def test_templates_are_read_as_people_write_them(old, new):
    """Names from the release, the chart or a value; counts with harmless functions around them."""
    files = chart()
    files["charts/cart/templates/deployment.yaml"] = TEMPLATE.replace(old, new)
    (found,) = placed(files, scaling(), **MARKS)
    assert found.reason == ""
    assert files["charts/cart/values.yaml"] == VALUES.replace("replicaCount:   5", "replicaCount:   4")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{{ include "cart.fullname" . }}', "other"),
        ('{{ include "cart.fullname" . }}', "{{ .Release.Name }}-web"),
        ("{{ .Values.replicaCount | default 1 | int }}", "{{ .Values.replicaCount | mul 2 }}"),
        ("{{ .Values.replicaCount | default 1 | int }}", '{{ include "cart.count" . }}'),
        ("kind: Deployment", "kind: StatefulSet"),
    ],
)
def test_what_is_computed_or_makes_something_else_is_not_guessed(old, new):
    """Then no chart here is known to make it, and the way out is --values-path."""
    files = chart()
    files["charts/cart/templates/deployment.yaml"] = TEMPLATE.replace(old, new)
    (found,) = placed(files, scaling(), **MARKS)
    assert "--values-path shop/cart=FILE:PATH.TO.COUNT" in found.reason


def test_the_chart_that_the_object_names_decides():
    """helm.sh/chart tells two charts apart whose templates would fit both."""
    other = chart("charts/other")
    other["charts/other/Chart.yaml"] = "name: other\n"
    other["charts/other/templates/deployment.yaml"] = TEMPLATE.replace('{{ include "cart.fullname" . }}', "cart")
    files = chart() | other
    (found,) = placed(files, scaling(), **MARKS)
    assert [edit.path for edit in found.edits] == ["charts/cart/values.yaml"]


def test_a_sidecar_finds_no_place_in_a_chart():
    """There it would reach every release of the chart."""
    (found,) = placed(chart(), hiding("cart", "ads"), **MARKS)
    assert "it comes from a chart (charts/cart" in found.reason


def test_the_release_is_read_off_the_marks():
    """Helm's annotation, Flux's label, the common label."""
    assert release_of(MARKS["labels"], MARKS["annotations"]).name == "cart"
    assert release_of({"helm.toolkit.fluxcd.io/name": "a"}, {}).name == "a"
    assert release_of({"app.kubernetes.io/instance": "b"}, {}).name == "b"
