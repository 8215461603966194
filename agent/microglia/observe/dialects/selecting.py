"""Selectors of a dialect's series."""

_ANY = 'job=~".*"'


def selector(metric: str, matchers: str = "") -> str:
    """``metric{matchers}`` within the scope that is asked for."""
    # A selector may not begin with a comma: where there is no matcher, one that every series meets stands first.
    return f"{metric}{{{matchers or _ANY}$scope}}"
