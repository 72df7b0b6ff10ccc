#!/usr/bin/env python3
"""What one user or stranger can take from the others: his share. Needs root,
to be other users."""
import collections
import contextlib
import json
import os
import pwd
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, stories, wait_for  # noqa: E402


class User:
    """A process of another user, who does what he can: a function of his own
    end of a socket, over which it says what became of it."""

    def __init__(self, name, act, *args):
        self.say, end = socket.socketpair()
        self.say.settimeout(60)
        self.file = self.say.makefile("r")
        self.pid = os.fork()
        if self.pid == 0:
            user = pwd.getpwnam(name)
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            try:
                act(end, *args)
                end.recv(1)  # stays as it is until it is killed
            finally:
                os._exit(0)
        end.close()

    def hear(self):
        return json.loads(self.file.readline())

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def tell(end, what):
    end.sendall(json.dumps(what).encode() + b"\n")


def hold(end, path, n):
    """N connections; tells how many were greeted, and how many sent away."""
    held, heard = [], collections.Counter()
    for _ in range(n):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(path)
        heard[s.recv(3)] += 1
        held.append(s)
    tell(end, (heard[b"220"], heard[b"421"]))
    end.recv(1)


def first_word(port):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(20)
        return s.recv(3)


def it_leaves_sessions_to_others():
    """Users at the Unix socket take their share of it, no stranger's."""
    users = ["nobody", "games", "daemon", "bin", "news"]
    with Mtad("sessions", extra="MaxSessions = 40\nSmtpdProcesses = 1\n",
              trusted=False) as m, contextlib.ExitStack() as held:
        path = m.dir + "/run/submission"
        all_of_them = [held.enter_context(User(name, hold, path, 60))
                       for name in users]
        got = [user.hear() for user in all_of_them]
        print("     of 60 each: %s" % [n for n, _ in got])
        assert all(n + no == 60 for n, no in got), got
        assert max(n for n, _ in got) <= 11, got
        assert sum(n for n, _ in got) <= 40, got
        assert [first_word(m.port) for _ in range(3)] == [b"220"] * 3
        m.sendmail("alice@demo.test", input="Subject: x\n\nx\n")
        m.wait_mail("alice")
        assert not os.listdir(m.dir + "/spool/drop")
        told = [e for e in m.events("conn.reject") if e["code"] == 421]
        assert 1 <= len(told) <= 20, len(told)
        held.close()
        wait_for("room again", lambda: m.status()["conn_in_open"] == 0)


def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) >> 10 for line in f
                    if line.startswith("VmRSS"))


def name_many(port, n, orcpt="o" * 480):
    """A session that names recipients and never sends its message; its last
    reply."""
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(60)
    f = s.makefile("rb")
    s.sendall(b"HELO x\r\nMAIL FROM:<a@next.test>\r\n")
    last = [f.readline() for _ in range(3)][-1]
    for start in range(0, n, 50):
        s.sendall(b"".join(b"RCPT TO:<u%d@elsewhere.test> "
                           b"ORCPT=rfc822;%s\r\n" % (i, orcpt.encode())
                           for i in range(start, start + 50)))
        last = [f.readline() for _ in range(50)][-1]
        if last[:3] != b"250":
            break
    return s, last


def it_bounds_recipients_that_wait_for_data():
    """100 MB of them, if it could be had."""
    with Mtad("rcpts", extra="MaxRecipientsPerMessage = 20000\n"
              "SmtpdProcesses = 1\n") as m:
        smtpd, = m.children("mtad-smtpd")
        before = rss(smtpd)
        held = [name_many(m.port, 5000) for _ in range(40)]
        full = sum(last[:9] == b"452 4.3.1" for _, last in held)
        grown = rss(smtpd) - before
        print("     %d of 40 sessions told 452 4.3.1; %d MB more" % (
            full, grown))
        assert full > 10 and grown < 90
        m.send(["alice@demo.test"] + ["x%d@elsewhere.test" % i
                                      for i in range(30)])
        m.wait_mail("alice")
        for s, _ in held:
            s.close()
        wait_for("them to be gone",
                 lambda: m.status()["conn_in_open"] == 0)
        s, last = name_many(m.port, 5000)
        assert last[:3] == b"250", last
        s.close()


if __name__ == "__main__" and IS_ROOT:
    stories(sys.modules[__name__])
