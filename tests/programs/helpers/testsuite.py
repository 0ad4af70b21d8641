"""Runs modules of CPython's own test suite and prints one line a test: its name and how it ended. -NAME leaves out a test.

MODULE:I:N is the Ith part of N of a module."""

import faulthandler
import importlib
import os
import sys
import tempfile
import time
import unittest

# Sockets between virtual machines hang where there is no machine; of UDP-Lite there are 190 tests that fail one by one.
LEFT_OUT = ("VSOCK", "UDPLITE", "TIPC")


class Result(unittest.TestResult):
    """Says how each test ended; why one went wrong goes to standard error."""

    def end(self, test, word, why=""):
        print("test:", test.id(), word, flush=True)
        if why:
            print(test.id(), why, sep="\n", file=sys.stderr, flush=True)

    def startTest(self, test):
        super().startTest(test)
        faulthandler.dump_traceback_later(60, exit=True)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def addSuccess(self, test):
        self.end(test, "ok")

    def addFailure(self, test, err):
        self.end(test, "FAILED", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        self.end(test, "FAILED", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        self.end(test, "skipped")

    def addExpectedFailure(self, test, err):
        self.end(test, "ok")

    def addUnexpectedSuccess(self, test):
        self.end(test, "FAILED")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.end(subtest, "FAILED", self._exc_info_to_string(err, test))


def leave_out(group, ids):
    """The tests of a group but those."""
    return unittest.TestSuite(test for test in group if test.id() not in ids)


def main(names):
    from test import support

    without = {name[1:] for name in names if name.startswith("-")}
    names = [name for name in names if not name.startswith("-")]

    support.use_resources = ["network"]
    os.chdir(tempfile.mkdtemp())
    for name in names:
        began = time.monotonic()
        short, part, parts = name.split(":") if ":" in name else (name, 0, 1)
        module = importlib.import_module("test." + short)
        suite = unittest.TestSuite()
        for group in list(unittest.defaultTestLoader.loadTestsFromModule(module))[int(part) :: int(parts)]:
            if not any(word in test.id() for test in group for word in LEFT_OUT):
                suite.addTest(leave_out(group, without) if without else group)
        suite.run(Result())
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    print("test: all", len(names), "modules", flush=True)


main(sys.argv[1:])
