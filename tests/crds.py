"""The CustomResourceDefinitions in the chart: ``python -m tests.crds`` writes them anew."""

from pathlib import Path

from microglia.report.crds import custom_resources
from microglia.report.data import to_yaml

FOLDER = Path(__file__).parents[1] / "helm" / "microglia" / "crds"
_HEAD = "# Made by: python -m tests.crds\n"


def rendered() -> dict[str, str]:
    """Each file as it is to be, by name."""
    return {name: f"{_HEAD}{to_yaml(body)}\n" for name, body in custom_resources().items()}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
