"""``python -m notifier``."""

from notifier.cli import script

script()
