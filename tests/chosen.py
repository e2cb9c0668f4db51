"""Names on a command line in, the modules of a package run that they name; without a name, all of them."""

import argparse
import importlib
import pkgutil
from pathlib import Path


def run(package: str, folder: Path, prefix: str, description: str) -> None:
    """Call `main()` of each module `PREFIX_NAME` of `package`, which lies in `folder`, that was named."""
    found = [module.name for module in pkgutil.iter_modules([str(folder)])]
    names = [name.removeprefix(prefix) for name in found if name.startswith(prefix)]
    arguments = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    arguments.add_argument("names", metavar="NAME", nargs="*", help=f"one of: {', '.join(names)} (default: all)")
    chosen = arguments.parse_args().names or names
    if unknown := set(chosen) - set(names):
        arguments.error(f"nothing is named {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    for name in chosen:
        importlib.import_module(f"{package}.{prefix}{name}").main()
