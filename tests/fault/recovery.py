#!/usr/bin/env python3
"""Every call of a start fails once, or is the queue's last.

The spool has all that a start can meet: a checkpoint and half of another, a
journal since, segments with and without a checkpoint's offset, a message
copied forward of which the move is not known, a damaged record, a body file,
expanded and held messages, a drop file. For the Nth call that reads, writes,
syncs, renames or removes a part of it, N from 1 to the end: mtad comes up
with everything, perhaps at the second try; what it could not read it names;
and the spool it leaves has everything. STEP=n tries every nth call.
"""
import atexit
import errno
import functools
import glob
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from inject import (DIES, FALLOCATE, OPEN, READ, RENAME,  # noqa: E402
                    SYNC, UNLINK, WRITE, Faults, say)
from mtad import Mtad, stories, wait_for  # noqa: E402

STEP = int(os.environ.get("STEP", "25"))
FROM = int(os.environ.get("FROM", "0"))
ALL = OPEN | WRITE | SYNC | RENAME | FALLOCATE | READ | UNLINK
CONF = 'SegmentSize = "1MB"\nSmtpdProcesses = 1\nTimeout.queuereturn = "1h"\n'


def segments(m):
    return sorted(glob.glob(m.dir + "/spool/segment/*[0-9]"))


def kind_of(path):
    try:
        with open(path, "rb") as f:
            head = f.read(64)
        return head[12] if len(head) == 64 else 0
    except FileNotFoundError:
        return 0


def is_copied(m):
    return any(kind_of(p) == 3 and os.path.getsize(p) > 64
               for p in segments(m) if os.path.exists(p))


def fill(m, prefix):
    """Some that wait, among a megabyte that went."""
    for i in range(4):
        m.send("%s%d@dead.test" % (prefix, i),
               text="Subject: %s%d\n\nwaits\n" % (prefix, i))
        m.send("x@elsewhere.test",
               text="Subject: went\n\n" + ("y" * 70 + "\n") * 3000)


def damage(m):
    for path in segments(m):
        with open(path, "r+b") as f:
            at = f.read().find(b"FINDME")
            if at >= 0:
                f.seek(at)
                f.write(b"f")


def build(m):
    """The spool that each try begins with."""
    with open(m.dir + "/aliases", "a") as f:
        f.write("many: one@dead.test, two@dead.test, three@elsewhere.test\n")
    m.start()
    fill(m, "a")
    m.send("list@dead.test", text="Subject: large\n\n" +
           ("y" * 70 + "\n") * 6000)
    m.send(["away@mx.demo.test", "many@mx.demo.test"], text="Subject: list\n\nx\n")
    m.send("held@dead.test", text="Subject: held\n\nx\n")
    wait_for("what can go", lambda: len(m.queue()) == 7)
    m.ctl("queue", "hold", "to:held@dead.test", "--yes")
    m.stop()  # a checkpoint in good order
    m.start()
    fill(m, "b")
    wait_for("the others", lambda: len(m.queue()) == 11)
    m.kill_all()
    m.start()  # what is left is copied forward, and that is cut short
    wait_for("a copy", lambda: is_copied(m), 30)
    m.kill_all()
    m.start()
    m.ctl("delivery", "hold", "test")
    m.ctl("queue", "delete", "to:a0@dead.test", "--yes")
    m.send("d@dead.test", text="Subject: d\n\nFINDME\n")
    m.send("e@dead.test", text="Subject: e\n\nx\n")
    fill(m, "c")
    m.kill_all()
    damage(m)
    newest = sorted(glob.glob(m.dir + "/spool/checkpoint/*[0-9]"))[-1]
    tmp = "%s/spool/checkpoint/%012d.tmp" % (
        m.dir, int(os.path.basename(newest)) + 1)
    shutil.copy(newest, tmp)
    shutil.chown(tmp, os.stat(newest).st_uid)
    with open(tmp, "r+b") as f:
        f.truncate(300)
    m.sendmail("drop@dead.test", input="Subject: drop\n\nx\n")
    shutil.rmtree(m.dir + "/template", ignore_errors=True)
    subprocess.run(["cp", "-a", m.dir + "/spool", m.dir + "/template"],
                   check=True)


def put_back(m):
    """The same folder with the same content: its identity stands."""
    spool = m.dir + "/spool"
    for name in os.listdir(spool):
        if os.path.isdir(spool + "/" + name):
            shutil.rmtree(spool + "/" + name)
        else:
            os.remove(spool + "/" + name)
    subprocess.run(["cp", "-a", m.dir + "/template/.", spool], check=True)


def rows(m):
    """What waits, without what a drop file became: that has a new id."""
    out = {}
    for q in m.queue():
        to = [(r["to"], r["state"]) for r in q["rcpts"]]
        if to[0][0] != "drop@dead.test":
            out[q["id"]] = (q["state"], q["size"], to)
    return out


def drops(m):
    return len(m.queue("to:drop@dead.test"))


def words(m, seen):
    """What mtad said since."""
    return m.output()[seen:]


def offline(m):
    """mtactl queue check, of the spool that a stop left."""
    text = m.ctl("queue", "check", check=False).stdout
    got = re.search(r"(\d+) messages, (\d+) not whole, (\d+) lost", text)
    assert got, text
    return tuple(map(int, got.groups()))


class Recovery:
    """One mtad, started again and again on the same spool."""

    def __init__(self, m):
        self.m = m
        build(m)
        self.faults = Faults(m, "mtad-queue")
        self.want = self.status = None
        self.tried, self.restarts = {}, 0
        self.baseline()

    def start(self):
        def look():
            try:
                status = self.m.status()
                return rows(self.m), (status["lost"], status["damaged"])
            except AssertionError:
                return None  # the call that it dies of came just now
        self.m.start()
        return wait_for("an answer", look)

    def baseline(self):
        """What a start makes of it when nothing fails."""
        put_back(self.m)
        self.want, self.status = self.start()
        assert len(self.want) >= 14, self.want
        assert self.status == (0, 1), self.status
        wait_for("the drop file", lambda: drops(self.m) == 1)
        self.m.stop()
        self.left = offline(self.m)

    def once(self, n, error, kinds):
        """False: the start has no Nth call."""
        m = self.m
        put_back(m)
        seen = len(m.output()) if m.proc else 0
        self.faults.set(n, error, 1, kinds)
        got, status = self.start()
        wait_for("the drop file at call %d" % n, self.has_drop)
        count, kind = self.faults.failed()
        self.faults.set(0)
        name = "call %d (%s, %s)" % (n, kind, error)
        if count == 0:
            m.stop()
            return False
        self.tried[kind] = self.tried.get(kind, 0) + 1
        said = words(m, seen)
        died = "died" in said
        assert "Sanitizer" not in said and "runtime error" not in said, said
        self.restarts += died
        if died and error != DIES:
            assert re.search(r"cannot use \S*/spool/(segment|journal|body|"
                             r"checkpoint|identity)\S*: ", said), name + said
        if error != DIES:
            assert "signal" not in said, name + said
        self.compare(name, got, status)
        m.stop()
        left = offline(m)
        # a drop file may not be taken yet, or twice, when the queue died
        # between the 250 and the removal
        assert abs(left[0] - self.left[0]) <= 1, (name, left)
        assert left[1:] == self.left[1:], (name, left)
        self.compare(name + ", the next start", *self.start())
        wait_for("the drop file after " + name, lambda: drops(m) >= 1)
        m.stop()
        return True

    def has_drop(self):
        try:
            return drops(self.m) or "the disk below" in (
                self.m.status()["state"])
        except AssertionError:
            return False

    def compare(self, name, got, status):
        missing = {k: v for k, v in self.want.items() if got.get(k) != v}
        assert not missing, "%s: %s, is %s" % (
            name, missing, {k: got.get(k) for k in missing})
        more = set(got) - set(self.want)
        assert not more, "%s: came to life: %s" % (name, more)
        assert status[0] == 0, "%s: %d lost" % (name, status[0])


@functools.lru_cache(None)
def recovery():
    """The same for all stories."""
    m = Mtad("recovery", extra=CONF)
    atexit.register(m.close)
    return Recovery(m)


def every_call(error, kinds=ALL):
    r = recovery()
    r.tried, r.restarts = {}, 0
    n = FROM or random.randint(1, STEP)
    try:
        while r.once(n, error, kinds):
            n += STEP
    except BaseException:
        print("-- what mtad said:\n" + r.m.output()[-2000:])
        r.m.kill_all()
        raise
    print("     up to call %d: failed %s; %d times at the second try" % (
        n, say(r.tried), r.restarts))


def it_starts_when_a_call_gives_eio():
    every_call(errno.EIO)


def it_starts_when_a_call_finds_no_room():
    every_call(errno.ENOSPC, OPEN | WRITE | RENAME | FALLOCATE | SYNC)


def it_starts_when_there_is_no_descriptor():
    every_call(errno.EMFILE, OPEN | READ)


def it_starts_after_a_death_at_any_call():
    every_call(DIES)


if __name__ == "__main__":
    stories(sys.modules[__name__])
