"""The image and the chart agree on how the agent runs."""

import re
from pathlib import Path

from tests.chart import CHART

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
POD = (CHART / "templates" / "_pod.tpl").read_text(encoding="utf-8")


def test_the_user_is_the_charts() -> None:
    """The same number in both, and not root: a read-only folder of another user would stop the agent."""
    (image,) = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, flags=re.MULTILINE)
    assert re.findall(r"^runAsUser: (\d+)$", POD, flags=re.MULTILINE) == [image]
    assert int(image) >= 10_000


def test_the_base_is_an_argument_of_every_stage() -> None:
    """Whoever builds decides what it is built on."""
    assert re.search(r"^ARG BASE=\S+$", DOCKERFILE, flags=re.MULTILINE)
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert stages == ["${BASE}", "${BASE}"]


def test_what_is_copied_is_there_and_is_sent() -> None:
    """Every source of a COPY exists, and .dockerignore lets it through."""
    sources = re.findall(r"^COPY (?!--)(\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert sources
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for source in sources:
        assert (ROOT / source).exists()
        assert any(source == one or source.startswith(f"{one}/") for one in let_through)


def test_state_lies_where_the_chart_mounts_it() -> None:
    """The folder that the image makes for its user is the mount of the volume."""
    (folder,) = re.findall(r"MICROGLIA_STATE=(\S+)", DOCKERFILE)
    assert f"mountPath: {folder}}}" in POD
    assert f"mkdir -p {folder}" in DOCKERFILE
