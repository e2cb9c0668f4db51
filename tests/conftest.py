"""What every test may rely on."""

import signal

# A shell that starts the tests in the background has them ignore SIGINT, and their children would inherit that; but how
# our programs take Ctrl-C is what some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)
