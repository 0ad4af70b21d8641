"""A forked or executed child must not harm the parent's connection. fork.py HOST PORT, against an echo server."""
import errno
import hashlib
import os
import random
import select
import signal
import socket
import subprocess
import sys

HOST, PORT = sys.argv[1], int(sys.argv[2])


def exchange(connection, size=300000):
    data = random.randbytes(size)
    got = bytearray()
    sent = 0
    while len(got) < size:
        readable, writable, _ = select.select([connection], [connection] if sent < size else [], [], 20)
        if not readable and not writable:
            sys.exit(f"stuck: sent {sent} of {size}, {len(got)} came back")
        if writable:
            sent += connection.send(data[sent : sent + 50000])
        if readable:
            got += connection.recv(1 << 16)
    if hashlib.sha256(got).digest() != hashlib.sha256(data).digest():
        sys.exit("wrong bytes came back")


def say(what):
    print(what, flush=True)


def child(body):
    """Runs body in a forked child; its exit code, or "hang" after 20 s."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        code = 99
        try:
            code = body()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return "hang" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else os.waitstatus_to_exitcode(status)


def uses_inherited():
    """0: the inherited socket works or fails with an error of the network; nothing else is clean."""
    good = (errno.ENETDOWN, errno.ENOTCONN, errno.EPIPE, errno.ECONNRESET, errno.EBADF, errno.EOPNOTSUPP, errno.EIO)
    for operation in (lambda: connection.send(b"x" * 10), lambda: connection.recv(10, socket.MSG_DONTWAIT),
                      lambda: connection.getpeername(), lambda: connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)):
        try:
            operation()
            if os.environ.get("EXPECT_FAILURE"):
                return 1
        except OSError as e:
            if e.errno not in good:
                print("child:", e, file=sys.stderr)
                return 2
    connection.close()
    return 0


def own_work():
    read, write = os.pipe()
    os.write(write, b"pipe")
    if os.read(read, 4) != b"pipe":
        return 3
    local = socket.socketpair()
    local[0].sendall(b"pair")
    return 0 if local[1].recv(4) == b"pair" else 4


connection = socket.create_connection((HOST, PORT), timeout=20)
connection.settimeout(None)
exchange(connection)
say("before right")
say(f"child that does something else: {child(own_work)}")
exchange(connection)
say("after an idle child right")
if os.environ.get("EXPECT_FAILURE"):
    say(f"child that uses the inherited socket: {child(uses_inherited)}")
    exchange(connection)
    say("after a child that used the socket right")


def closes():
    connection.close()
    return 0


say(f"child that closes the socket: {child(closes)}")
exchange(connection)
say("after a child that closed right")


def exits():
    sys.stdout.flush()
    sys.exit(0)


pid = os.fork()
if pid == 0:
    signal.alarm(20)
    exits()
say(f"child that exits in the ordinary way: {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")
exchange(connection)
say("after a child that exited right")
say(f"subprocess: {subprocess.run(['sh', '-c', 'echo from the shell'], capture_output=True, timeout=20).stdout.decode().strip()}")
exchange(connection)
inherited = subprocess.run([sys.executable, "-c", f"""
import os, sys
try:
    os.write({connection.fileno()}, b"x")
    print("wrote")
except OSError as e:
    print(e.strerror)
"""], pass_fds=[connection.fileno()] if os.environ.get("EXPECT_FAILURE") else [], capture_output=True, timeout=20)
say(f"executed child with the socket ended with {inherited.returncode}")
exchange(connection)
say(f"system: {os.system('exit 3') >> 8}")
exchange(connection)
say("at the end right")
connection.shutdown(socket.SHUT_WR)
say(f"eof: {connection.recv(1) == b''}")
