"""The files of the chart that the code decides: ``python -m tests.chart`` writes them anew."""

from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from microglia.report.rights import RIGHTS, Bound, Role, rules
from tests.dashboard import dashboard

CHART = Path(__file__).parents[1] / "helm" / "microglia"


def roles() -> dict[str, str]:
    """Every file of RBAC rules by its path in the chart: one per identity and per place where rights hold."""
    pairs: list[tuple[Role, Bound]] = sorted({(right.role, right.bound) for right in RIGHTS})
    return {f"files/rbac/{role}-{bound.replace(' ', '-')}.yaml": _yaml(rules(role, bound)) for role, bound in pairs}


def files() -> dict[str, str]:
    """Every file that the code decides, by its path in the chart."""
    return {**roles(), "files/dashboard.json": dashboard()}


def main() -> None:
    """Write all of them."""
    for path, text in files().items():
        (CHART / path).parent.mkdir(parents=True, exist_ok=True)
        (CHART / path).write_text(text, encoding="utf-8")


def _yaml(value: object) -> str:
    stream = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(value, stream)
    return stream.getvalue()


if __name__ == "__main__":
    main()
