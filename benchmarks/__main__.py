"""`python -m benchmarks`, and the console script `alexnet-moment`.

Ctrl-C while the command line is imported ends the process as the signal does, and prints no traceback. Once it is
imported, `main` decides.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as in a shell's background job
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from benchmarks.cli import main

if __name__ == "__main__":
    main()
