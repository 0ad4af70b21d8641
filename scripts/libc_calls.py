#!/usr/bin/env python3
"""Lists the functions of this machine's libc that take or make a descriptor.

They come from two places. The prototypes of all headers that libc's package has installed, preprocessed with _GNU_SOURCE: a function
counts when an integer parameter is named as a descriptor (fd, __fildes, out_fd, ...), when it makes or closes a FILE or DIR, or when its name
is that of a kind of call that returns a descriptor. And the dynamic symbols of libc itself: aliases and variants of such functions
(__read, __libc_pread, read_chk, open64, __open64_2) are callable without a prototype.

usage: scripts/libc_calls.py [-v]      one name a line; with -v what was seen in it
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

CC = os.environ.get("CC", "cc")

# Parameters that are descriptors, by the names that glibc gives them.
FD = re.compile(r"^_*(?:[a-z]*_?fd[0-9]?|fildes[0-9]?|filedes|fd_?(?:in|out)|(?:in|out)_?fd|pipedes|sock|socket|s|d|desc|tty|set|dirfd|"
                r"a?master|a?slave|fds|sv)$")
# Calls that return a descriptor have a plain int: these are known by name.
MAKES = re.compile(r"^(?:open|creat|dup|socket|accept|pipe|epoll_create|eventfd|timerfd_create|signalfd|inotify_init|fanotify_init|"
                   r"memfd_create|pidfd_open|pidfd_getfd|pidfd_spawn|posix_openpt|getpt|shm_open|mq_open|mk(?:o)?stemp|fsopen|fspick|fsmount|"
                   r"open_tree|openat|openpty|forkpty|rcmd|rexec|rresvport|bindresvport|fileno|dirfd|catopen|syscall|"
                   r"userfaultfd|perf_event_open|io_uring|name_to_handle|open_by_handle)")
# Whole descriptor tables, or a process that inherits one.
TABLE = re.compile(r"^(?:close_range|closefrom|fcloseall|v?fork|_Fork|clone|daemon|posix_spawn|system|popen|pclose|exec[lv]|fexecve|"
                   r"poll|ppoll|select|pselect|epoll_|aio_|lio_listio)")
STREAM = re.compile(r"\b(?:FILE|DIR)\b")
CLOSES_STREAM = re.compile(r"^(?:fclose|freopen|closedir|pclose|endmntent)")


def headers():
    """Headers of the package that has stdio.h, or everything under /usr/include where there is no dpkg."""
    try:
        owner = subprocess.run(["dpkg", "-S", "/usr/include/stdio.h"], capture_output=True, text=True, check=True).stdout
        files = subprocess.run(["dpkg", "-L", owner.split(":")[0]], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        files = [f for d in ("", "sys/", "arpa/", "net/", "netinet/", "rpc/") for f in glob.glob(f"/usr/include/{d}*.h")]
    for f in files:
        short = re.sub(r"^/usr/include/(?:[a-z0-9_]+-linux-gnu[a-z0-9]*/)?", "", f)
        if f.endswith(".h") and "/bits/" not in f and "/gnu/" not in f and short != f:
            yield short


def prototypes():
    """Name, result and parameters of every function that a header declares; headers that do not compile alone are left out."""
    with tempfile.TemporaryDirectory() as room:
        usable = []
        for h in headers():
            source = os.path.join(room, "one.c")
            with open(source, "w", encoding="ascii") as out:
                out.write(f"#include <sys/types.h>\n#include <stdio.h>\n#include <netinet/in.h>\n#include <{h}>\n")
            # Each for itself: some do not go together.
            text = subprocess.run([CC, "-E", "-P", "-D_GNU_SOURCE", source], capture_output=True, text=True, check=False)
            if text.returncode == 0:
                usable.append(text.stdout)
    seen = {}
    for statement in {s for text in usable for s in statements(text)}:
        words = " ".join(re.sub(r"__extension__|__restrict(?:__)?|__inline(?:__)?|\bextern\b", " ", statement).split())
        while words.endswith("))") and re.search(r"__attribute__ ?\(\(", words) or re.search(r"__asm__ ?\([^()]*\)$", words):
            words = words[: max(words.rfind("__attribute__"), words.rfind("__asm__"))].strip()
        if not words.endswith(")") or words.startswith("typedef"):
            continue
        depth, at = 0, len(words)
        while at > 0:
            at -= 1
            depth += {")": 1, "(": -1}.get(words[at], 0)
            if depth == 0:
                break
        match = re.search(r"(\w+)\)?$", words[:at].rstrip())
        if match:
            seen.setdefault(match[1], (words[: match.start(1)].strip(" ("), words[at + 1 : -1]))
    return seen


def statements(text):
    """What stands between semicolons and outside of braces."""
    depth, begin = 0, 0
    for match in re.finditer(r"[{};]", text):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            begin = match.end() if depth == 0 else begin
        elif depth == 0:
            yield text[begin : match.start()]
            begin = match.end()


def why(name, result, parameters):
    """What makes the function one of ours to look at; None otherwise."""
    depth, part, parts = 0, "", []
    for c in parameters:
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    for p in [*parts, part]:
        p = p.strip()
        match = re.match(r"^(?:const )?(?:unsigned )?int \*?_*(\w+?)(?:\[.*\])?$", p)
        if match and FD.match(match[1]):
            return "takes " + p
    if STREAM.search(result) and "*" in result:
        return "returns " + result
    if MAKES.match(name):
        return "makes a descriptor"
    if TABLE.match(name):
        return "about many descriptors"
    if CLOSES_STREAM.match(name):
        return "closes a stream"
    return None


def symbols():
    """Functions that libc exports, whatever their version."""
    path = subprocess.run([CC, "-print-file-name=libc.so.6"], capture_output=True, text=True, check=True).stdout.strip()
    out = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        fields = line.split()
        # GLIBC_PRIVATE is for other parts of libc: no program links to it.
        if len(fields) == 3 and fields[1] in "TtWwi" and "@GLIBC_PRIVATE" not in fields[2] and "@@GLIBC_PRIVATE" not in fields[2]:
            yield fields[2].split("@")[0]


def plain(name):
    """The function that a symbol is a variant of."""
    name = re.sub(r"^(?:__libc_|__GI_|_IO_|__|_)", "", name)
    name = re.sub(r"_chk$|_nocancel$|_2$|_time64$", "", name)
    name = re.sub(r"64(v2)?$", r"\1", name)
    name = re.sub(r"64_2$", "", name)
    return re.sub(r"_chk$", "", name)


def main():
    found = {}
    for name, (result, parameters) in prototypes().items():
        reason = why(name, result, parameters)
        if reason:
            found[name] = reason
    for symbol in symbols():
        base = plain(symbol)
        if symbol in found:
            continue
        if base in found:
            found[symbol] = "variant of " + base
        elif MAKES.match(base) or TABLE.match(base) or CLOSES_STREAM.match(base) or re.match(r"^l?f?x(?:stat|mknod)", base):
            found[symbol] = "named like a call of its kind"
    exported = set(symbols())
    for name in sorted(found):
        # Declared for another library (libutil before 2.34, librt), or only a macro: not libc's to export.
        if name in exported:
            print(f"{name}\t{found[name]}" if "-v" in sys.argv else name)


if __name__ == "__main__":
    main()
