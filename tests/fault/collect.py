#!/usr/bin/env python3
"""What mtacollect makes of the worst day: kill -9 at random moments, power
cuts, a full disk, a store that others lock, clocks that are set back, log
files that went. Events are written as mtad's writers do. ROUNDS=200 by hand.
"""
import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"),
                os.path.join(HERE, "..", "e2e"), HERE]
from collect import Collector, postfix  # noqa: E402
from disk import Disk  # noqa: E402
from mtad import IS_ROOT, stories, wait_for  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)


class Folder:
    """What a Collector needs of a mail system, and writers of events."""

    def __init__(self, name):
        self.dir = tempfile.mkdtemp(prefix="mtad-%s." % name, dir="/var/tmp")
        self.prefix = os.environ["MTAD_PREFIX"]
        self.env = dict(os.environ)
        os.mkdir(self.dir + "/log")
        self.number, self.seq, self.keys = 0, {}, []
        self.back = 0  # seconds that the clock was set back
        self.lock = threading.Lock()
        self.rotate()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def run(self, program, *args, input=None, check=True, **kw):
        r = subprocess.run([os.path.join(self.prefix, program), *args],
                           input=input, text=True, capture_output=True,
                           env=self.env, timeout=120, **kw)
        if check and r.returncode != 0:
            raise AssertionError("%s %s: %d %s" % (program, args,
                                                   r.returncode, r.stderr))
        return r

    def path(self, number):
        return "%s/log/events.%012d.jsonl" % (self.dir, number)

    def rotate(self):
        with self.lock:
            self.number += 1
            open(self.path(self.number), "w").close()

    def pack(self, number):
        """As mtad does, and the plain one goes."""
        with open(self.path(number), "rb") as f:
            data = f.read()
        with gzip.open(self.path(number) + ".gz", "wb") as f:
            f.write(data)
        os.unlink(self.path(number))

    def line(self, boot, event="dlv.ok", **fields):
        self.seq[boot] = seq = self.seq.get(boot, 0) + 1
        now = time.time() - self.back
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        self.keys.append((boot, seq))
        return json.dumps(dict({
            "v": 1, "event": event,
            "time": "%s.%06dZ" % (stamp, int(now % 1 * 1e6)),
            "node": "mx.test", "instance": "mtad", "boot": boot, "seq": seq,
            "prog": "mtad-queue", "pid": 7, "severity": 6,
            "msg.id": "Q%s%d" % (boot[:4], seq), "rcpt.id": 0, "attempt": 1,
            "mail_from": "a@b.test", "rcpt_to": "x%d@y.test" % (seq % 999),
            "mailer": "smtp", "code": 250, "size_bytes": 1000}, **fields),
            separators=(",", ":")) + "\n"

    def say(self, n, boots=("aa", "bb", "cc"), **kw):
        """n events of several writers, in batches, some with a line that a
        killed writer left without its end."""
        for _ in range(n // 10):
            boot = random.choice(boots) * 16
            with self.lock:
                text = "".join(self.line(boot, **kw) for _ in range(10))
                if random.random() < 0.02:
                    text = '{"v":1,"event":"dlv.ok","time":"20' + text
                with open(self.path(self.number), "a") as f:
                    f.write(text)

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def folder(name):
    print("seed", SEED)
    random.seed(SEED)
    f = Folder(name)
    try:
        yield f
    except BaseException:
        print("-- kept:", f.dir)
        raise
    else:
        f.close()


@contextlib.contextmanager
def saying(f, pause=0.002):
    """Events all the time, beside what happens."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            f.say(50)
            if random.random() < 0.02:
                f.rotate()
                if random.random() < 0.5:
                    f.pack(f.number - 1)
            stop.wait(pause)

    t = threading.Thread(target=work)
    t.start()
    try:
        yield
    finally:
        stop.set()
        t.join()


def complete(c, f, seconds=60):
    """Everything is stored, once, and the sums agree."""
    want = len(f.keys)
    wait_for("%d events" % want,
             lambda: c.totals()["events"] >= want, seconds)
    keys = c.keys()
    assert len(keys) == len(set(keys)), "an event is there twice"
    assert set(keys) == set(f.keys), len(set(f.keys) ^ set(keys))
    t = c.totals()
    assert t["events"] == want and t["completeness"]["missing"] == 0, t
    c.check()


def it_survives_kills():
    with folder("kills") as f:
        c = Collector(f)
        with saying(f):
            for _ in range(ROUNDS):
                with c:
                    time.sleep(random.random() * 0.3)
                    c.stop(signal.SIGKILL)
        with c:
            complete(c, f)
        print("%d kills, %d events" % (ROUNDS, len(f.keys)))


def it_survives_power_cuts():
    if not IS_ROOT:
        return
    with folder("cuts") as f:
        os.mkdir(f.dir + "/spool")
        disk = Disk(f, "400M", "ext4")
        try:
            c = Collector(f)
            c.store = f.dir + "/spool/store"
            f.write("mtacollect.conf", open(c.conf).read().replace(
                f.dir + "/store", c.store))
            with saying(f, 0.01):
                for _ in range(max(2, ROUNDS // 5)):
                    with c:
                        time.sleep(0.3 + random.random() * 0.5)
                        disk.cut()
                        c.stop(signal.SIGKILL)
                    disk.umount()
                    disk.mount()
            with c:
                complete(c, f)
        finally:
            disk.umount()


def it_waits_for_a_full_disk():
    if not IS_ROOT:
        return
    with folder("full") as f:
        os.mkdir(f.dir + "/spool")
        disk = Disk(f, "40M", "ext4")
        try:
            c = Collector(f, "MinFreeSpace = 0\n")
            c.store = f.dir + "/spool/store"
            f.write("mtacollect.conf", open(c.conf).read().replace(
                f.dir + "/store", c.store))
            with c:
                f.say(100)
                wait_for("the first", lambda: c.totals()["events"] >= 100)
                with contextlib.suppress(OSError):
                    with open(f.dir + "/spool/ballast", "wb", 0) as b:
                        while b.write(b"x" * 65536):
                            pass
                f.say(20000)

                def said(words):
                    with open(f.dir + "/collect.out") as out:
                        return words in out.read()
                wait_for("a failure", lambda: said("read again"), 30)
                assert c.proc.poll() is None
                os.unlink(f.dir + "/spool/ballast")
                wait_for("room again", lambda: said("storing again"), 30)
                f.say(100)
                complete(c, f)
        finally:
            disk.umount()


def it_waits_for_who_locks_the_store():
    with folder("locks") as f, Collector(f) as c:
        f.say(100)
        wait_for("the first", lambda: c.totals()["events"] >= 100)
        name = [n for n in os.listdir(c.store)
                if n.startswith("ev-") and n.endswith(".db")][0]
        path = c.store + "/" + name
        reader = sqlite3.connect(path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM ev").fetchone()
        f.say(1000)  # a long reader is in nobody's way
        wait_for("the next", lambda: c.totals()["events"] >= 1100, 5)
        reader.close()
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        f.say(1000)
        time.sleep(7)  # longer than it waits
        assert c.totals()["events"] == 1100
        writer.execute("ROLLBACK")
        writer.close()
        f.say(100)
        complete(c, f)


def it_gives_way_to_others_who_write():
    """Imports and a rebuild beside a collector that has much to do; each
    is killed once, too."""
    lines = 30000
    with folder("turns") as f, Collector(f) as c:
        f.write("mail.log", postfix(range(lines)))

        def goes_on():
            seen = len(f.keys)
            wait_for("the newest", lambda: c.totals()["events"] > seen + lines)
        with saying(f):
            wait_for("the first", lambda: c.totals()["events"] >= 100)
            killed = subprocess.Popen(
                [f.prefix + "/sbin/mtacollect", "import", "--store", c.store,
                 f.dir + "/mail.log"], stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL)
            time.sleep(random.random() * 0.3)
            killed.kill()
            killed.wait()
            c.run("import", f.dir + "/mail.log")
            goes_on()
            out = c.run("import", f.dir + "/mail.log").stdout
            assert " 0 events stored" in out, out
            c.run("rebuild")
            goes_on()
            c.stop(signal.SIGKILL)
            c.run("rebuild")
            c.start()
            goes_on()
            second = c.run("run", check=False)
            assert second.returncode == 75, second
            assert "another mtacollect" in second.stderr, second.stderr
            goes_on()
        wait_for("all events", lambda: set(f.keys) <= set(c.keys()), 60)
        assert len(c.keys()) == len(f.keys), "an event is there twice"
        assert c.totals()["events"] == len(f.keys) + lines, c.totals()
        c.check()


def it_takes_clocks_that_are_set():
    with folder("clocks") as f, Collector(f) as c:
        f.say(500)
        for back in (3600, 30 * 3600, -3000, 0):  # an hour, a day, ahead
            f.back = back
            f.say(100, event="sys.clock", jump_us=1)
            f.say(500)
        complete(c, f)
        assert c.totals()["completeness"]["clock_jumps"] == 400


def it_names_what_went_before_it_was_read():
    with folder("gone") as f:
        c = Collector(f)
        with c:
            f.say(500)
            wait_for("the first", lambda: c.totals()["events"] >= 500)
        before = len(f.keys)
        f.rotate()  # twice while nobody reads, and one of them is gone
        f.say(300)
        gone = f.keys[before:]
        f.rotate()
        f.pack(f.number - 1)
        f.say(300)
        os.unlink(f.path(f.number - 1) + ".gz")
        with c:
            want = len(f.keys) - len(gone) + 1  # and the log.gap itself
            wait_for("the rest", lambda: c.totals()["events"] >= want)
            t = c.totals()["completeness"]
            assert t["missing"] == len(gone) and not t["complete"], t
            assert "missing: events" in c.run("check").stdout


if __name__ == "__main__":
    stories(sys.modules[__name__])
