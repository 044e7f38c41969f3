"""Makes docs/demo.svg: runs the real demo, looks at it as it looks at itself, and draws what it sees.

    python docs/make_picture.py

Needs what the demo needs (Prism, and Java 17 with Maven or a broker named in TEXTPULSE_BOOTSTRAP_SERVERS).
"""
import argparse
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from dashboards.terminal import Snapshot, render
from insights.store import Store
from pipelines.children import answers, end, free_port, last_lines, spawn
from pipelines.demo import Demo, try_open

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS = 124
START_WITHIN_S = 300.0
USUAL_PORT = 9464
LOOK_AGAIN_S = 2.0   # a rate needs two looks


def main() -> None:
    """Runs the demo until enough windows are closed, and writes the picture."""
    options = argparse.ArgumentParser(description="Draws docs/demo.svg from a real demo.")
    options.add_argument("--windows", type=int, default=6, help="windows in the picture")
    options.add_argument("--out", type=Path, default=PICTURE)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store_url, log, port = f"sqlite:///{folder}/demo.db", Path(folder) / "demo.log", USUAL_PORT
        if answers(port):
            port = free_port()
        command = [sys.executable, "-m", "pipelines", "demo", "--store", store_url, "--metrics-port", str(port)]
        running = spawn(command, log=log, new_group=True)
        try:
            demo = Demo(argparse.Namespace(metrics_port=port), "", store_url, log, time.monotonic())
            seen = look(demo, chosen.windows, running)
        finally:
            end(running, 30.0)
    chosen.out.write_text(draw(seen), encoding="utf-8")
    sys.stdout.write(f"{chosen.out}: {chosen.out.stat().st_size / 1024:.0f} KiB\n")


def look(demo: Demo, windows: int, running: "subprocess.Popen[bytes]") -> Snapshot:
    """What the demo shows once it has so many windows, the first of them closed. SystemExit when it never does."""
    give_up = demo.begun + START_WITHIN_S
    store: Store | None = None
    while time.monotonic() < give_up:
        if running.poll() is not None:
            raise SystemExit(f"the demo ended with code {running.returncode}{last_lines(demo.log)}")
        store = store or try_open(demo.store_url)
        seen = demo.snapshot(store)
        if len(seen.windows) >= windows and seen.lag_records is not None and settled(seen):
            return seen
        time.sleep(LOOK_AGAIN_S)
    raise SystemExit(f"no {windows} windows within {START_WITHIN_S:.0f} s{last_lines(demo.log)}")


def settled(seen: Snapshot) -> bool:
    """True when the first window is closed and no straggler of the time before the start is shown."""
    first, last_whole = seen.windows[0], seen.windows[-2]
    return first.state == "closed" and first.records > last_whole.records / 2


def draw(seen: Snapshot) -> str:
    """The view as SVG text."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(render(seen, COLUMNS))
    return console.export_svg(title="textpulse demo", unique_id="textpulse")


if __name__ == "__main__":
    main()
