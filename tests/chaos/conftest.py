"""The battery is a program: its modules find one another by their folder, and so do its tests."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
