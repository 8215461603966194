"""microglia: prunes an overgrown service mesh by use, and protects what is rare but load-bearing."""

__version__ = "0.1.0"
