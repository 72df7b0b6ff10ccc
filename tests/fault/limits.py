#!/usr/bin/env python3
"""What one user or stranger can take from the others: his share. Needs root,
to be other users."""
import collections
import contextlib
import json
import os
import pwd
import select
import signal
import socket
import sys
import time

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


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def idle(end, path):
    """As many as there are to have; tells how many stayed, and the words that
    the last one heard."""
    held = [connect(path) for _ in range(220)]
    words = held[-1].recv(1000)
    tell(end, (sum(is_open(s) for s in held[:-1]), words.decode()))
    end.recv(1)


def is_open(s):
    """Nothing was said to it: who is sent away is told why."""
    try:
        s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        return False
    except BlockingIOError:
        return True


def flood(end, path, first, more, n):
    """Says it on n connections for as long as somebody reads, and hears
    nothing."""
    held = [connect(path) for _ in range(n)]
    for s in held:
        s.sendall(first)
        s.setblocking(False)
    tell(end, n)
    while True:
        if not any([push(s, more) for s in held]):
            select.select([end], [], [], 0.01)


def push(s, data):
    try:
        return s.send(data)
    except OSError:
        return 0


def ask(end, path, request, n):
    """Asks it again and again, and hears every answer."""
    held = [connect(path) for _ in range(n)]
    tell(end, n)
    while True:
        for s in held:
            s.sendall(request)
        for s in held:
            while b'"done":true' not in s.recv(1 << 20)[-100:]:
                pass


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


def took(act, *args):
    started = time.monotonic()
    act(*args)
    return time.monotonic() - started


def mail_to(m, user):
    n = len(m.mailbox(user))
    m.send(user + "@demo.test")
    m.wait_mail(user, n + 1)


def figures(m, words):
    """How long root's status takes, and mail; the middle and the worst."""
    status = sorted(took(m.ctl, "status") for _ in range(15))
    mail = sorted(took(mail_to, m, "alice") for _ in range(15))
    print("     %s: status %.0f and %.0f ms, mail %.0f and %.0f ms" % (
        (words,) + tuple(t * 1e3 for t in (status[7], status[-1], mail[7],
                                           mail[-1]))))
    return status, mail


def submit(m, name, n):
    """So many messages of a user's own, which stay in the queue."""
    def act(end, path):
        f = socket.socket(socket.AF_UNIX)
        f.connect(path)
        r = f.makefile("rb")
        body = b"Subject: x\r\n\r\nx\r\n"
        f.sendall(b"HELO x\r\n")
        heard = [r.readline(), r.readline()]
        for i in range(n):
            f.sendall(b"MAIL FROM:<x@demo.test>\r\nRCPT TO:<%s%d@dead.test>"
                      b"\r\nBDAT %d LAST\r\n%s" % (b"a" * 50, i, len(body),
                                                   body))
            heard = [r.readline()[:3] for _ in range(3)]
        tell(end, heard[-1].decode())

    with User(name, act, m.dir + "/run/submission") as user:
        assert user.hear() == "250"


LIST = b'{"op":"queue.list"}\n'
NONE = b'{"op":"queue.list","filter":"from:nobody.at.all"}\n'
SORT = b'{"op":"queue.list","filter":"from:nobody.at.all","order":"from"}\n'
ATTACKS = {
    "empty lines, never a look at the answers": (flood, b"", b"\n" * 16384, 16),
    "a list that is not read, then empty lines":
        (flood, LIST, b"\n" * 65536, 16),
    "lists of all, none of them read": (flood, b"", LIST * 800, 16),
    "a line that never ends": (flood, b"", b"x" * 65536, 16),
    "walks that find nothing": (ask, NONE, 16),
    "the same, and sorted": (ask, SORT, 16),
    "status after status": (ask, b'{"op":"status"}\n' * 50, 16),
    "subscriptions": (flood, b'{"op":"subscribe"}\n', b"\n", 16),
}


def it_answers_root_whatever_users_ask():
    users = ["nobody", "games", "daemon"]
    with Mtad("control", extra="SmtpdProcesses = 1\n") as m:
        path = m.dir + "/run/control"
        queue, = m.children("mtad-queue")
        with User("nobody", idle, path) as one:
            n, words = one.hear()
            assert n <= 16 and json.loads(words)["done"], (n, words)
            m.ctl("status")
            with User("games", idle, path) as other:
                assert 1 <= other.hear()[0] <= 16
        m.ctl("delivery", "hold", "they are to stay")
        submit(m, "nobody", 4000)
        wait_for("all of them", lambda: m.status()["messages"] == 4000)
        m.ctl("delivery", "release")
        status, mail = figures(m, "alone")
        before = rss(queue)
        for words, (act, *args) in ATTACKS.items():
            with contextlib.ExitStack() as held:
                for name in users:
                    held.enter_context(User(name, act, path, *args)).hear()
                now, late = figures(m, words)
                assert now[7] < max(0.1, 3 * status[7]), now
                assert late[7] < max(0.1, 3 * mail[7]), late
                assert rss(queue) - before < 150, rss(queue)
        m.ctl("queue", "list")


def it_leaves_nothing_that_nobody_takes():
    """sendmail while the daemon is down: what could only stand aside later is
    refused to the caller; a long list goes in parts."""
    header = "X-Field: %s\n" % ("x" * 68)
    with Mtad("leave") as m:
        m.stop()
        r = m.sendmail("-i", "alice@demo.test", check=False,
                       input=header * 4000 + "\nx\n")
        assert r.returncode == 69 and "headers too long" in r.stderr, r
        r = m.sendmail("-i", "alice@demo.test", check=False,
                       input="Subject: x\n\n" + header * 800000)
        assert r.returncode == 69 and "larger than" in r.stderr, r
        assert not os.listdir(m.dir + "/spool/drop")
        m.sendmail("-i", "-t", input="To: %s\nCc: alice@demo.test\n\nx\n" %
                   ",\n ".join("u%d@dead.test" % i for i in range(12000)))
        limit = "From: a@b.test\n"  # nothing is put to it
        limit += "X: %s\n" % ("x" * ((256 << 10) - len(limit) - 8))
        m.sendmail("-i", "bob@demo.test", input=limit + "\nx\n")
        r = m.sendmail("-i", "bob@demo.test", check=False,
                       input=limit.replace("X:", "XX:") + "\nx\n")
        assert r.returncode == 69, r
        m.sendmail("-i", "carol@demo.test",
                   input="Subject: x\n\n" + header * 300000)
        names = os.listdir(m.dir + "/spool/drop")
        assert len(names) == 5, names
        m.launch()
        for user in ("alice", "bob", "carol"):
            m.wait_mail(user)
        wait_for("the files to be taken",
                 lambda: not os.listdir(m.dir + "/spool/drop"))
        assert sum(q["open"] for q in m.queue()) == 12000
        m.ctl("queue", "delete", "to:@dead.test", "--yes")


if __name__ == "__main__" and IS_ROOT:
    stories(sys.modules[__name__])
