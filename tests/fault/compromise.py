#!/usr/bin/env python3
"""A mtad-smtpd that a stranger runs code in: it opens no file, reaches no
spool, and its neighbours do not follow it.

The code is shellcode.c, loaded into the real process; a client's "NOOP own N"
starts the Nth attempt after the sandbox is on.
"""
import glob
import hashlib
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, preload, stories, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = 64  # of a segment
REFUSED, KILLED, LIES = "refused", "killed", "lies"
ATTEMPTS = {  # as in shellcode.c
    "open paths": REFUSED, "open below descriptors": REFUSED,
    "change names": REFUSED, "rewrite what it holds": REFUSED,
    "reach others": REFUSED, "gain powers": REFUSED,
    "lie to its peers": LIES, "run a program": KILLED,
    "use io_uring": KILLED, "mount something": KILLED,
    "drop the bodies of others": LIES,
}


class Owned:
    def __init__(self, m):
        self.m, self.path = m, m.dir + "/result"
        with open(self.path, "wb") as f:
            f.write(bytes(12))
        os.chmod(self.path, 0o666)
        preload(m, "mtad-smtpd", HERE + "/shellcode.c", RESULT=self.path,
                SPOOL=m.dir + "/spool")

    def attempt(self, n):
        """(tried, how many calls worked, was the connection answered)"""
        with open(self.path, "r+b") as f:
            f.write(bytes(12))
        with socket.create_connection(("127.0.0.1", self.m.port), 20) as s:
            f = s.makefile("rb")
            f.readline()
            s.sendall(b"NOOP own %d\r\n" % n)
            try:
                answer = f.readline()
            except OSError:
                answer = b""
        with open(self.path, "rb") as f:
            tried, worked, _ = struct.unpack("<3i", f.read())
        return tried == n + 1, worked, answer[:3] == b"250"


def beginnings(m):
    """What segments and body files with mail hold: nothing of it may
    change."""
    out = {}
    for path in (glob.glob(m.dir + "/spool/segment/*") +
                 glob.glob(m.dir + "/spool/body/*")):
        with open(path, "rb") as f:
            raw = f.read()
        if len(raw) > HEAD:
            out[path] = len(raw), hashlib.sha1(raw).digest()
    assert out
    return out


def is_kept(before):
    for path, (size, digest) in before.items():
        if not os.path.exists(path):
            return False
        with open(path, "rb") as f:
            if hashlib.sha1(f.read(size)).digest() != digest:
                return False
    return True


def it_gets_nowhere_from_inside():
    with Mtad("owned", extra="SmtpdProcesses = 1\n") as m:
        m.stop()
        owned = Owned(m)
        m.start()
        m.send("x@dead.test")  # somebody's mail, in the segment that it has
        m.send("y@dead.test", text="Subject: large\n\n" +
               ("y" * 70 + "\n") * 6000)
        wait_for("deferrals", lambda: len(m.events("dlv.defer")) > 1)
        before, mail = beginnings(m), m.queue()
        others = [pid for pid in m.children()
                  if pid not in m.children("mtad-smtpd")]
        for n, (name, want) in enumerate(ATTEMPTS.items()):
            if not IS_ROOT and want == REFUSED:
                continue  # the same user: the filter alone stands there
            wait_for("a smtpd", lambda: m.children("mtad-smtpd"))
            wait_for("service", m.is_up)
            victim = m.children("mtad-smtpd")
            tried, worked, is_answered = owned.attempt(n)
            assert tried, name + " was not tried"
            assert worked == 0, "%s: %d calls worked" % (name, worked)
            if want == REFUSED:
                assert is_answered and m.children("mtad-smtpd") == victim, name
            if want == LIES:  # what it asked for comes beside the loop
                wait_for("service", m.is_up)
                m.ctl("delivery", "hold", "x")
                m.ctl("delivery", "release")
            if want == KILLED:
                wait_for("its end", lambda: victim[0] not in m.children())
            assert is_kept(before), name + " changed what was written"
        assert not [p for p in others if p not in m.children()], (
            "a neighbour died")
        wait_for("service", m.is_up)
        m.send("alice@demo.test")
        m.wait_mail("alice")
        assert [q["id"] for q in m.queue()] == [q["id"] for q in mail]
        assert not m.events("spool.damage"), m.events("spool.damage")[0]
        refused = {e["syscall"] for e in m.events("sys.denied")}
        print("     the sandbox said no to: " + " ".join(sorted(refused)))
        m.kill_all()
        m.start()
        # the letter to alice may come once more: its outcome was just made
        wait_for("the same mail", lambda: [q["id"] for q in m.queue()] ==
                 [q["id"] for q in mail])


if __name__ == "__main__":
    stories(sys.modules[__name__])
