"""Run the benchmarks that are named, or all of them."""

from __future__ import annotations

import importlib
import sys

NAMES = ("startup", "fanout", "receipts")


def main(names: list[str]) -> int:
    for name in names or NAMES:
        if name not in NAMES:
            print(f"no benchmark {name!r}; there are: {', '.join(NAMES)}")
            return 2
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
