"""Ctrl-C just as a module is imported."""

import os
import signal
import subprocess
import sys

HIT = """
import os, signal, sys
class Hit:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
import {package}.__main__ as main
sys.meta_path.insert(0, Hit())
main.script()
"""


def ends_at_once(package: str, module: str, *arguments: str, home: str) -> bool:
    """Whether the package's command simply ends: a KeyboardInterrupt there may become another error or be lost."""
    ended = subprocess.run(
        [sys.executable, "-c", HIT.format(package=package, module=module), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": home},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")
