"""How long a short program takes: the median of many starts, in milliseconds.

  startup.py RUNS wall|cpu [NAME=VALUE...] -- COMMAND...

wall: from before the start until the program has ended; cpu: its processor time. The environment is PATH and what is
named. Ends with status 1 when a run of the command fails.
"""

import os
import statistics
import sys
import time


def run(arguments, environment):
    """One run: (wall, cpu) in milliseconds."""
    begin = time.perf_counter()
    _pid, status, used = os.wait4(os.posix_spawnp(arguments[0], arguments, environment), 0)
    if status:
        sys.exit(f"startup: {' '.join(arguments)}: status {os.waitstatus_to_exitcode(status)}")
    return (time.perf_counter() - begin) * 1000, (used.ru_utime + used.ru_stime) * 1000


def main():
    runs, which, *rest = sys.argv[1:]
    split = rest.index("--")
    environment = {"PATH": os.environ["PATH"], **dict(pair.split("=", 1) for pair in rest[:split])}
    command = rest[split + 1 :]
    run(command, environment)
    index = ("wall", "cpu").index(which)
    print(f"{statistics.median(run(command, environment)[index] for _ in range(int(runs))):.4f}")


main()
