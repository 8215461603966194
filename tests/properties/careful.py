"""How hard the properties are tried."""

from hypothesis import HealthCheck, Phase, settings


def careful(examples: int) -> settings:
    """The same meshes in every run. A mesh is small as it is: to shrink one would play thousands of laps."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
    )
