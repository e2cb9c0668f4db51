"""What a test needs of the machine: there, or skipped with the name of the Debian package."""

import os
import shutil

import pytest


def needs(package: str, *programs: str) -> None:
    """Skip the test unless every one of `programs` (by default `package` itself) is installed; in CI, fail it."""
    for program in programs or (package,):
        if shutil.which(program) is None:
            reason = f"{program} is missing; install the Debian package {package}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
