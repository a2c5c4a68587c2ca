"""`python -m bench [NAME …] [--quick]`: runs the benchmarks one after another, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

NOT_BENCHMARKS = {"__init__", "__main__", "measure"}


def main() -> int:
    wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
    flags = [a for a in sys.argv[1:] if a.startswith("-")]
    known = sorted(
        p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in NOT_BENCHMARKS
    )
    unknown = set(wanted) - set(known)
    if unknown:
        sys.stderr.write(
            f"no benchmark named {', '.join(sorted(unknown))}; there are: {', '.join(known)}\n"
        )
        return 2
    failed = 0
    for name in wanted or known:
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run(
            [sys.executable, "-m", f"bench.{name}", *flags], check=False
        ).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
