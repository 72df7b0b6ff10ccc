#!/usr/bin/env python3
"""Every write, sync, open, rename and allocation of the spool fails once.

For the Nth such call of mtad-queue and of mtad-smtpd, N from 1 to the end:
the client is told 4yz, an event says why, nothing that got its 250 is lost,
nothing that got 4yz is delivered, no process dies, and mail flows again as
soon as the disk does. STEP=n tries every nth call only (CI does).
"""
import errno
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from load import arrived, letter  # noqa: E402
from mtad import Mtad, preload, stories, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
STEP = int(os.environ.get("STEP", "1"))
OPEN, WRITE, SYNC, RENAME, FALLOCATE, READ, UNLINK = 1, 2, 4, 8, 16, 32, 64
DIES = 9999  # instead of an errno
NAMES = {OPEN: "open", WRITE: "write", SYNC: "sync", RENAME: "rename",
         FALLOCATE: "fallocate", READ: "read",
         UNLINK: "unlink", 0: "-"}
EVERYTHING = OPEN | WRITE | SYNC | RENAME | FALLOCATE
FOR_EVER = 1 << 30


class Faults:
    """One program with inject.c inside."""

    def __init__(self, m, program):
        self.path = m.dir + "/inject"
        with open(self.path, "wb") as f:
            f.write(bytes(64))
        os.chmod(self.path, 0o666)
        preload(m, program, HERE + "/inject.c", INJECT=self.path)

    def set(self, at, error=0, times=FOR_EVER, kinds=EVERYTHING):
        """The call number `at` from now on fails; 0: none."""
        with open(self.path, "r+b") as f:
            f.write(struct.pack("<7I", at, times, error, kinds, 0, 0, 0))

    def failed(self):
        with open(self.path, "rb") as f:
            n, last = struct.unpack_from("<2I", f.read(), 20)
        return n, NAMES[last]


def post(m, name, size):
    """One letter; the reply that it came to, or "" when there was none."""
    text = letter(name, size)
    try:
        with m.smtp() as s:
            s.ehlo("load.test")
            for code, words in (
                    s.mail("a@next.test"),
                    s.rcpt(name + "@elsewhere.test"),
                    s.docmd("DATA")):
                if code >= 400:
                    return "%d %s" % (code, words.decode())
            s.send(text + b".\r\n")
            code, words = s.getreply()
            return "%d %s" % (code, words.decode())
    except OSError as e:
        return "- %s" % e


# small ones, one with a body file, and enough for a new segment
SIZES = (20, 20, 300000) + (200000,) * 5


def post_all(m, prefix):
    return {name: post(m, name, size) for name, size in (
        ("%s-%d" % (prefix, i), size) for i, size in enumerate(SIZES))}


def check_mail(m, replies, name):
    """What got 250 is there, what got 4yz is not, nothing is twice."""
    wait_for("the queue to drain", lambda: not m.queue(), 60)
    got = arrived(m)
    for letter_name, reply in replies.items():
        n = len(got.get(letter_name, []))
        assert reply[0] in "24", "%s: answered %r" % (name, reply)
        assert n == (reply[0] == "2"), "%s: %s, answered %r, came %d times" % (
            name, letter_name, reply, n)
    for path in os.listdir(m.sink.folder):
        os.remove(m.sink.folder + "/" + path)


def flows_again(m, name, may_restart):
    """A letter is taken; after EIO the disk may have been given up."""
    replies = []

    def is_taken():
        replies.append(post(m, "after-%d" % random.randrange(1 << 60), 20))
        return replies[-1][:3] == "250"
    if may_restart and "failed" in m.status()["state"]:
        m.stop()
        m.start()
    try:
        wait_for("mail to flow again", is_taken, 20)
    except AssertionError as e:
        raise AssertionError("%s: %s, last answer %r" % (name, e, replies[-1]))


def calls_fail(program, error, times, kinds):
    """One call after the other, until the letters are through before it."""
    tried, refused, silent = {}, 0, {}
    step = random.randrange(STEP)
    with Mtad("inject", extra='SegmentSize = "1MB"\nSmtpdProcesses = 1\n'
              'Timeout.queuereturn = "1h"\n') as m:
        m.stop()
        faults = Faults(m, program)
        faults.set(0)
        m.start()
        post_all(m, "first")
        check_mail(m, {}, "first")
        n = 1 + step
        while True:
            pids, said = sorted(m.children()), len(m.events("spool.error"))
            faults.set(n, error, times, kinds)
            replies = post_all(m, "n%d" % n)
            wait_for("the fault, or the last delivery",
                     lambda: faults.failed()[0] or not m.queue(), 30)
            count, kind = faults.failed()
            faults.set(0)
            if count == 0:
                break
            tried[kind] = tried.get(kind, 0) + 1
            refused += sum(r[0] == "4" for r in replies.values())
            name = "%s %d (%s)" % (program, n, kind)
            assert sorted(m.children()) == pids, name + ": a process died"
            if len(m.events("spool.error")) == said:
                silent[kind] = silent.get(kind, 0) + 1
            flows_again(m, name, error == errno.EIO)
            check_mail(m, replies, name)
            n += STEP
        print("     %s: failed %s; %d letters refused; without an event: %s"
              % (program, say(tried), refused, say(silent) or "none"))
        m.kill_all()
        m.start()
        check_mail(m, {}, "after it all")
        assert not m.status()["lost"] and not m.status()["damaged"]


    return silent


def say(counts):
    return ", ".join("%s %d times" % row for row in sorted(counts.items()))


def it_survives_eio_in_the_queue():
    calls_fail("mtad-queue", errno.EIO, 1, EVERYTHING)


def it_survives_eio_in_smtpd():
    assert not calls_fail("mtad-smtpd", errno.EIO, 1, EVERYTHING)


def it_survives_a_full_disk_in_the_queue():
    calls_fail("mtad-queue", errno.ENOSPC, FOR_EVER,
               OPEN | WRITE | FALLOCATE | RENAME)


def it_survives_a_full_disk_in_smtpd():
    assert not calls_fail("mtad-smtpd", errno.ENOSPC, FOR_EVER, WRITE)


if __name__ == "__main__":
    stories(sys.modules[__name__])
