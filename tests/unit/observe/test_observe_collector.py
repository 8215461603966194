"""The collector rests where a million objects are made, and only there."""

import gc

import pytest

from microglia.observe.collector import uncollected


def test_it_rests_and_comes_back():
    """Off inside, on again after, also when something goes wrong."""
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="odd"), uncollected():
        raise ValueError("odd")
    assert gc.isenabled()


def test_who_switched_it_off_keeps_it_off():
    """A program that runs without it is left alone."""
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
