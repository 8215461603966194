"""Benchmarks: figures for people, never asserted in tests."""
