"""How long a warm start takes, and what the whole tree costs while nobody asks for anything."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.measure import at_most

START_GOAL_SECONDS = 3.0
IDLE_GOAL = 0.01


def start(
    data: Path, *program: str, **environment: str
) -> tuple["subprocess.Popen[str]", dict[str, Any]]:
    """Starts a server and waits for its line; gives what it said, and in `seconds` how long that took.

    `program` is what Python runs in the place of the package itself.
    """
    began = time.perf_counter()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERTULIA_", "PG_"))}
    process = subprocess.Popen(
        [
            *(sys.executable, *(program or ("-m", "tertulia"))),
            *("serve", "--port", "0", "--json", "--data", str(data)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=kept | environment,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return process, ready | {"seconds": time.perf_counter() - began}


def stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.wait()
    if process.stdout:
        process.stdout.close()


def tree(data: Path, pid: int) -> list[psutil.Process]:
    """The server, its children, and its PostgreSQL, which is nobody's child."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    master = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    return [*family, psutil.Process(master), *psutil.Process(master).children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(p.cpu_times()[:2]) for p in processes if p.is_running())


def main() -> int:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        data.chmod(0o755)
        process, first = start(data)
        stop(process)
        times = []
        for _ in range(3 if quick else 5):
            process, ready = start(data)
            stop(process)
            times.append(ready["seconds"])
        warm = at_most(
            "warm start to ready (s, goal ÷ 1 s)",
            statistics.median(times),
            1.0,
            "s",
            START_GOAL_SECONDS,
        )
        print(f"first start, with a new database: {first['seconds']:.2f} s")
        print(warm.line())
        process, _ = start(data)
        time.sleep(5)
        family = tree(data, process.pid)
        before, began = cpu_seconds(family), time.perf_counter()
        time.sleep(10 if quick else 60)
        spent, elapsed = cpu_seconds(family) - before, time.perf_counter() - began
        idle = at_most("idle CPU of the whole tree ÷ one core", spent, elapsed, "s", IDLE_GOAL)
        print(idle.line())
        stop(process)
    return 0 if warm.holds and idle.holds else 1


if __name__ == "__main__":
    sys.exit(main())
