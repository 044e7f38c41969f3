"""Benchmarks are programs of the repository, not of the installed package: they are found from its root."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
