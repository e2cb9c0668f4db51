"""Run the benchmarks that are named, or all: `python -m tests.bench [NAME ...]`.

A benchmark is a module `bench_NAME` of this package with a `main()` that prints a table.
"""

import argparse
import importlib
import pkgutil
from pathlib import Path

PREFIX = "bench_"


def main() -> None:
    found = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    names = [name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX)]
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description="Run side-by-side benchmarks.")
    arguments.add_argument("names", metavar="NAME", nargs="*", help=f"one of: {', '.join(names)} (default: all)")
    chosen = arguments.parse_args().names or names
    if unknown := set(chosen) - set(names):
        arguments.error(f"no benchmark is named {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    for name in chosen:
        importlib.import_module(f"{__package__}.{PREFIX}{name}").main()


if __name__ == "__main__":
    main()
