"""The Grafana dashboard of the chart, out of one table of panels."""

import json
from dataclasses import dataclass
from typing import Any

_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 8
_OF = '{structure=~"$structure"}'


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph: what it shows, by which query, and what each line is called."""

    title: str
    query: str
    legend: str
    unit: str = "short"


PANELS = (
    Panel("Phase", f"max by (structure, phase) (microglia_phase{_OF}) == 1", "{{structure}}: {{phase}}"),
    Panel("Round", f"max by (structure) (microglia_round{_OF})", "{{structure}}"),
    Panel("Hours since the last good lap",
          f"(time() - max by (structure) (microglia_lap_end_timestamp_seconds{_OF})) / 3600",
          "{{structure}}", "h"),
    Panel("Excess CPU", f"max by (structure) (microglia_excess_cpu_cores{_OF})", "{{structure}}", "cores"),
    Panel("Excess memory", f"max by (structure) (microglia_excess_memory_bytes{_OF})", "{{structure}}", "bytes"),
    Panel("Excess proxy configuration", f"max by (structure) (microglia_excess_proxy_config_bytes{_OF})",
          "{{structure}}", "bytes"),
    Panel("CPU: present", f"max by (structure) (microglia_present_cpu_cores{_OF})", "{{structure}}", "cores"),
    Panel("CPU: load-bearing", f"max by (structure) (microglia_load_bearing_cpu_cores{_OF})", "{{structure}}", "cores"),
    Panel("CPU: kept", f"max by (structure) (microglia_kept_cpu_cores{_OF})", "{{structure}}", "cores"),
    Panel("Elements by evidence", f"max by (kind, evidence) (microglia_elements{_OF})", "{{kind}} {{evidence}}"),
    Panel("Protections by rule", f"max by (rule) (microglia_protections{_OF})", "{{rule}}"),
    Panel("Shadow prices", f"max by (structure, resource) (microglia_shadow_price_requests_per_second{_OF})",
          "{{structure}} {{resource}}", "reqps"),
    Panel("Planned changes", f"max by (structure, kind, purpose) (microglia_planned_changes{_OF})",
          "{{structure}} {{purpose}} {{kind}}"),
    Panel("Changes in force", f"max by (structure) (microglia_standing_changes{_OF})", "{{structure}}"),
    Panel("Changes under watch", f"max by (structure) (microglia_watched_changes{_OF})", "{{structure}}"),
    Panel("Pruned per hour", f"sum by (structure, kind) (increase(microglia_pruned_changes_total{_OF}[1h]))",
          "{{structure}} {{kind}}"),
    Panel("Given back per hour", f"sum by (structure, kind) (increase(microglia_regrown_changes_total{_OF}[1h]))",
          "{{structure}} {{kind}}"),
    Panel("Harm per hour", f"sum by (structure, kind) (increase(microglia_harms_total{_OF}[1h]))",
          "{{structure}} {{kind}}"),
    Panel("Refusals per hour, by gate", f"sum by (gate) (increase(microglia_refusals_total{_OF}[1h]))", "{{gate}}"),
    Panel("Blind spots", f"max by (structure) (microglia_blind_spots{_OF})", "{{structure}}"),
    Panel("Journal", f"max by (state) (microglia_journal_records{_OF})", "{{state}}"),
    Panel("Lap steps, 95 %",
          f"histogram_quantile(0.95, sum by (le, step) (rate(microglia_step_duration_seconds_bucket{_OF}[1h])))",
          "{{step}}", "s"),
    Panel("Prometheus: queries per second", "sum by (outcome) (rate(microglia_prometheus_queries_total[15m]))",
          "{{outcome}}", "reqps"),
    Panel("Prometheus: samples per second", "sum(rate(microglia_prometheus_samples_total[15m]))", "samples"),
)  # fmt: skip


def dashboard() -> str:
    """As JSON, the way Grafana imports it; the data source and the policies are chosen in it."""
    body = {
        "uid": "microglia",
        "title": "microglia",
        "tags": ["microglia"],
        "schemaVersion": 39,
        "time": {"from": "now-7d", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [_source(), _structures()]},
        "panels": [_panel(index, panel) for index, panel in enumerate(PANELS)],
    }
    return json.dumps(body, indent=1) + "\n"


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _structures() -> dict[str, Any]:
    return {
        "name": "structure",
        "label": "Policy",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "$source"},
        "query": "label_values(microglia_policy_valid, structure)",
        "includeAll": True,
        "multi": True,
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(index: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(index, _COLUMNS)
    source = {"type": "prometheus", "uid": "$source"}
    return {
        "id": index + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": source,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": panel.query, "legendFormat": panel.legend, "datasource": source}],
    }
