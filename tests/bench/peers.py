"""Requirements in, an interpreter that has them out.  Peers never enter the product's own environment."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def interpreter(name: str, *requirements: str) -> Path:
    """The Python of the environment `.bench/NAME`, made by the running Python and kept until `make clean`."""
    environment = ROOT / ".bench" / name
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted, installed = "\n".join(requirements), environment / "requirements.txt"
    if not installed.exists() or installed.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        installed.write_text(wanted)
    return python
