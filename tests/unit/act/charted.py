"""Helm charts of several shapes around the same cart."""

from dataclasses import dataclass

CHART = "apiVersion: v2\nname: cart\nversion: 0.1.0\n"
TEMPLATE = """\
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "cart.fullname" . }}
  labels:
    helm.sh/chart: "{{ .Chart.Name }}-{{ .Chart.Version }}"
spec:
  replicas: {{ .Values.replicaCount | default 1 | int }}   # how many
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      containers:
        - name: app
          image: {{ .Values.image | quote }}
{{- end }}
"""
HELPERS = """\
{{- define "cart.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}
"""
VALUES = """\
enabled: true
# How many. Ask the shop team.
replicaCount:   5     # since the sale
image: "example/cart:1"
"""
PROD = "# Production.\nreplicaCount: 5 # sale\n"
ONE = VALUES.replace("5     #", "1     #")
MARKS = {
    "labels": {"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "cart-0.1.0"},
    "annotations": {"meta.helm.sh/release-name": "cart", "meta.helm.sh/release-namespace": "shop"},
}
"""What Helm leaves on the Deployment."""


def chart(folder: str = "charts/cart", **values: str) -> dict[str, str]:
    """The chart in ``folder``, with these files of values, ``_`` for a dot in their names."""
    named = {f"{folder}/{name.replace('_', '.').replace('0', '-')}": text for name, text in values.items()}
    templates = {f"{folder}/templates/deployment.yaml": TEMPLATE, f"{folder}/templates/_helpers.tpl": HELPERS}
    return {f"{folder}/Chart.yaml": CHART, f"{folder}/values.yaml": VALUES, **templates, **named}


OUTER = """\
apiVersion: v2
name: shop
version: 1.0.0
dependencies:
- {name: cart, version: 0.1.0, alias: basket}
"""
UMBRELLA = {"shop/Chart.yaml": OUTER, "shop/values.yaml": "basket:\n  replicaCount: 5\n"}
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cart, namespace: shop}
spec:
  chart:
    spec:
      chart: ./charts/cart
  values:
    replicaCount: 5   # here
"""


@dataclass(frozen=True)
class Case:
    """``files``, the one that a proposal ``edits``, what helm is called with (the ``chart`` and ``values`` files), and
    what the object is ``named``, of which chart by its ``label``."""

    files: dict[str, str]
    edits: str
    chart: str = "charts/cart"
    values: tuple[str, ...] = ()
    named: str = "cart"
    label: str = "cart-0.1.0"

    @property
    def marks(self) -> dict[str, dict[str, str]]:
        """What Helm leaves on the Deployment."""
        return {**MARKS, "labels": {**MARKS["labels"], "helm.sh/chart": self.label}}


CASES = {
    "default": Case(chart(), "charts/cart/values.yaml"),
    "production": Case(
        chart(values_yaml=ONE, values0prod_yaml=PROD, values0test_yaml="replicaCount: 2\n"),
        "charts/cart/values-prod.yaml",
        values=("charts/cart/values-prod.yaml",),
    ),
    "elsewhere": Case(
        chart(values_yaml=ONE) | {"env/prod/values.yaml": PROD, "env/test/values.yaml": "replicaCount: 2\n"},
        "env/prod/values.yaml",
        values=("env/prod/values.yaml",),
    ),
    "umbrella": Case(
        chart("shop/charts/cart", values_yaml=ONE) | UMBRELLA,
        "shop/values.yaml",
        "shop",
        (),
        "cart-basket",
        "basket-0.1.0",
    ),
    "a test that overrides": Case(chart(values0test_yaml="replicaCount: 2\n"), "charts/cart/values.yaml"),
}
