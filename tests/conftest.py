"""What every test may rely on."""

import logging
import os
import signal

from hypothesis import HealthCheck, settings

# A shell that starts the tests in the background has them ignore SIGINT, and their children would inherit that; but how
# our programs take Ctrl-C is what some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)

# That the machine was slow for a moment, asyncio says where it is told to debug; what a test looks for
# in the log is what we say.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing "))

# A machine that stands still for a moment is no finding; CI=1 alone would have Hypothesis know that.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("busy")
