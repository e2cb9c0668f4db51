"""What every test may rely on."""

import logging
import signal

# A shell that starts the tests in the background has them ignore SIGINT, and their children would inherit that; but how
# our programs take Ctrl-C is what some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)

# That the machine was slow for a moment, asyncio says where it is told to debug, as it is here; what a test looks for
# in the log is what we say.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing "))
