"""One target under libFuzzer: guided.py TARGET [libFuzzer's options] [folders]. Coverage of our packages chooses the inputs."""
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent))

with atheris.instrument_imports(include=["schemas", "transforms", "insights", "pipelines", "dashboards", "fastavro"]):
    from targets import TARGETS, timed

target = TARGETS[sys.argv.pop(1)]
atheris.Setup(sys.argv, lambda data: timed(target, data) and None)
atheris.Fuzz()
