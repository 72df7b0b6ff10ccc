"""A mail system with impostors in it, and what has to hold after each thing
that they do: the others are the same processes and answer, mail goes through
them, and what was queued before is as it was and was shown to nobody.
"""
import json
import os
import socket
import time

from impostor import SLEEPER, Cast
from mtad import Mtad, processes, wait_for, wrap

SECRET = "only-for-its-recipient"
LARGE = "Subject: large\n\n" + (SECRET + " " + "y" * 40 + "\n") * 6000
ANSWER = 1.0  # seconds that the status may take
LIMIT_KB, LIMIT_FDS = 64 << 10, 16  # more than before, at most


class Stage:
    """program: who is played; ours: which of them, by index; counts: how many
    there are in all, as SmtpdProcesses=2."""

    def __init__(self, name, program, ours, extra="", **counts):
        self.m = Mtad(name, extra=extra + "".join(
            "\n%s = %d" % row for row in counts.items()))
        self.ours = [int(i) for i in ours]
        wrap(self.m, program, SLEEPER % (" ".join(map(str, self.ours)),
                                         self.m.dir + "/fifo"))
        self.cast = Cast(program, self.m.dir + "/fifo", self.look)
        self.program, self.tokens, self.leaks = program, {}, []
        self.others, self.before, self.slowest = {}, {}, 0
        self.domain, self.count, self.worst = "next.test", 0, [0, 0]

    def __enter__(self):
        self.start()
        self.keep_some()
        self.measure()
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        self.cast.close()
        self.m.__exit__(kind, value, trace)

    def look(self, one, row, payload, fd):
        """Nothing that an impostor gets is of those that are kept."""
        raw = payload
        try:
            raw += os.pread(fd, 1 << 20, 0) if fd is not None else b""
        except OSError:
            pass  # it can only write there
        if SECRET.encode() in raw:
            self.leaks.append("%s %d saw it in %s" % (
                one.program, one.index, row.name))

    # its life

    def start(self):
        self.cast.deaths = {}
        self.m.start()
        wait_for("all impostors", self.are_all_there)
        wait_for("the others", self.has_others)

    def stop(self):
        self.m.stop()
        wait_for("their end", lambda: not self.cast.lives)

    def measure(self):
        self.base = {pid: (fds(pid), memory(pid)) for pid in self.measured()}

    def again(self):
        self.is_unchanged()
        self.stop()
        self.start()
        self.measure()

    def are_all_there(self):
        up = {one.index for one in list(self.cast.lives) if one.is_running}
        return self.m.is_up() and up == set(self.ours)

    def has_others(self):
        """Those that are real, and what they were called."""
        mine = {one.pid for one in list(self.cast.lives)}
        self.others = {pid: name for pid, name, parent in processes()
                       if parent == self.m.proc.pid and pid not in mine and
                       name.startswith("mtad-")}
        return len(self.others) + len(mine) == len(list(self.m.children()))

    def measured(self):
        return [self.m.proc.pid] + [pid for pid, name in self.others.items()
                                    if name == "mtad-queue"]

    def impostor(self, index=None, seconds=20):
        """One that runs."""
        return wait_for("an impostor", lambda: next(
            (one for one in list(self.cast.lives) if one.is_running and
             index in (None, one.index)), None), seconds)

    # what others have in the queue

    def keep_some(self):
        """Small, large, ours, others', several recipients: all are held."""
        m = self.m
        m.ctl("delivery", "hold", "not now")
        for i in range(3):
            m.send(["bob@demo.test", "kept%d@kept.test" % i],
                   text="Subject: kept\n\n%s kept%d\n" % (SECRET, i))
        m.send("bob@demo.test", text=LARGE)
        wait_for("mail in the queue", lambda: len(m.queue()) == 4)
        for row in m.queue():
            m.ctl("queue", "hold", "--yes", row["id"])
        m.ctl("delivery", "release")
        self.kept = [row["id"] for row in m.queue()]
        self.before = self.contents()

    def contents(self):
        rows = {r["id"]: r for r in self.m.queue() if r["id"] in self.kept}
        return {id: (r["from"], r["size"], r["state"], r["open"], [
            (x["to"], x["state"], x["tries"]) for x in r["rcpts"]],
            self.m.ctl("queue", "cat", id).stdout) for id, r in rows.items()}

    def is_unchanged(self):
        assert not self.leaks, self.leaks[0]
        assert not self.cast.faults, self.cast.faults[0]
        assert self.contents() == self.before, "what was queued is not as it was"
        assert not self.m.events("spool.damage"), "damage in the spool"
        self.is_small()

    def is_small(self):
        for pid, (n, kb) in self.base.items():
            wait_for("descriptors of %d as before" % pid,
                     lambda: fds(pid) <= n + LIMIT_FDS)
            more = memory(pid) - kb
            self.worst = [max(self.worst[0], fds(pid) - n),
                          max(self.worst[1], more)]
            assert more < LIMIT_KB, "%s grew by %d KB" % (
                self.others.get(pid, "mtad"), more)

    def comes_once(self):
        """At the end, with nobody's impostor any more: all that was kept and
        all that was sent since."""
        self.stop()
        path = "%s/libexec/mtad/%s" % (self.m.prefix, self.program)
        with open(path, "w") as f:
            f.write('#!/bin/sh\nexec %s/real/%s "$@"\n' % (
                self.m.dir, self.program))
        self.m.start()
        for id in self.kept:
            self.m.ctl("queue", "release", "--yes", id)
        wait_for("all that was kept", lambda: not any(
            r["id"] in self.kept for r in self.m.queue()), 30)
        self.m.ctl("queue", "retry", "--yes", "age>0s", check=False)
        wait_for("all that was sent", lambda: all(any(
            t in x for x in (self.m.sink.messages() if box == "sink" else
                             self.m.mailbox("alice")))
            for t, box in self.tokens.items()), 30)
        bob, sink = "".join(self.m.mailbox("bob")), "".join(
            self.m.sink.messages()).replace("\r", "")
        for i in range(3):
            word = "%s kept%d\n" % (SECRET, i)
            assert bob.count(word) == sink.count(word) == 1, word
        assert bob.count("Subject: large") == 1
        for token, box in self.tokens.items():
            n = (sink if box == "sink" else "".join(
                self.m.mailbox("alice"))).count(token)
            assert n == 1, "%s came %d times" % (token, n)

    # what holds after each attack

    def is_well(self):
        for pid, name in self.others.items():
            assert is_alive(pid), "%s ended, too" % name
        started = time.monotonic()
        self.status()
        took = time.monotonic() - started
        self.slowest = max(self.slowest, took)
        assert took < ANSWER, "the status took %.1f s" % took

    def status(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.m.dir + "/run/control")
            s.sendall(b'{"v":1,"op":"status"}\n')
            raw = b""
            while b'"done"' not in raw:
                got = s.recv(65536)
                assert got, "the queue hung up"
                raw += got
        return json.loads(raw.splitlines()[0])

    def carries(self, seconds=10):
        """A message to a mailbox and one to the next server arrive; the
        latter may be an impostor's to deliver, and is looked for at the end."""
        self.count += 1
        here, there = ["%s-%d-%d" % (where, os.getpid(), self.count)
                       for where in ("here", "there")]
        if self.program == "mtad-lookup":
            self.impostor(seconds=40)  # there is only this one
        for to, token in (("alice@demo.test", here),
                          ("x@" + self.domain, there)):
            self.m.send(to, text="Subject: %s\n\nx\n" % token)
        self.tokens.update({here: "alice", there: "sink"})
        wait_for("mail to a mailbox", lambda: any(
            here in t for t in self.m.mailbox("alice")), seconds)
        if self.program != "mtad-remote":
            wait_for("mail to the next server", lambda: any(
                there in t for t in self.m.sink.messages()), seconds)


def fds(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def memory(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(f.read().partition("VmRSS:")[2].split()[0])


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
