"""Run the soaks that are named, or all: `python -m tests.soak [NAME ...]`.

A soak is a module `soak_NAME` of this package with a `main()` that raises where something broke, and prints its counts.
"""

import argparse
import importlib
import pkgutil
from pathlib import Path

PREFIX = "soak_"


def main() -> None:
    found = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    names = [name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX)]
    arguments = argparse.ArgumentParser(prog="python -m tests.soak", description="Run what takes long to break.")
    arguments.add_argument("names", metavar="NAME", nargs="*", help=f"one of: {', '.join(names)} (default: all)")
    chosen = arguments.parse_args().names or names
    if unknown := set(chosen) - set(names):
        arguments.error(f"no soak is named {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    for name in chosen:
        importlib.import_module(f"{__package__}.{PREFIX}{name}").main()


if __name__ == "__main__":
    main()
