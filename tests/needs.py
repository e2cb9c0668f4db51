"""What a test needs of the system in, the paths of its programs out; or a skip that names the Debian package."""

import os
import shutil

import pytest


def needs(package: str, *programs: str) -> list[str]:
    """The absolute path of each program (by default one with the package's name) that this Debian package brings.

    Without one of them the test is skipped, with the reason.  In CI (the environment variable CI is set) it fails
    instead: there everything is installed, and a silent skip would hide that it is not.
    """
    found = {program: shutil.which(program) for program in programs or (package,)}
    missing = [program for program, path in found.items() if path is None]
    if missing:
        reason = f"{', '.join(missing)} is missing; install the Debian package {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return [path for path in found.values() if path is not None]
