#!/usr/bin/env python3
"""Disks that fill, fail and lose power, below a whole mtad. Needs root (loop
devices and mounts of its own). ROUNDS=n for more power cuts."""
import contextlib
import fcntl
import glob
import os
import random
import shutil
import smtplib
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, stories, wait_for  # noqa: E402

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN
NO_LOG_FLUSH = 2
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def sh(*args):
    subprocess.run(args, check=True, capture_output=True)


class Disk:
    """A file system of its own on a loop device, at the spool's place."""

    def __init__(self, m, size, kind):
        self.image, self.at = m.dir + "/disk.img", m.dir + "/spool"
        os.makedirs(self.at, exist_ok=True)
        sh("truncate", "-s", size, self.image)
        sh("mkfs." + kind, "-q", self.image)
        self.mount()

    def mount(self):
        sh("mount", "-o", "loop", self.image, self.at)

    def umount(self):
        wait_for("umount", lambda: subprocess.run(
            ["umount", self.at], capture_output=True).returncode == 0)

    def cut(self):
        """The power is gone: what was not synced is lost."""
        fd = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(fd, SHUTDOWN, NO_LOG_FLUSH.to_bytes(4, "little"))
        os.close(fd)


@contextlib.contextmanager
def on_disk(name, size="400M", kind="ext4"):
    m = Mtad(name, extra=SMALL)
    disk = Disk(m, size, kind)
    try:
        yield m, disk
    finally:
        if m.proc.poll() is None:
            m.kill_all()
        m.sink.stop()
        disk.umount()
        shutil.rmtree(m.dir, ignore_errors=True)


SMALL = 'SegmentSize = "1MB"\nMinFreeBlocks = "8MB"\n'


class Load:
    """A client that notes what got its 250."""

    def __init__(self, m, prefix):
        self.m, self.acked, self.prefix = m, [], prefix
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        n = 0
        while not self.is_over:
            try:
                with smtplib.SMTP("127.0.0.1", self.m.port, timeout=5) as s:
                    while not self.is_over:
                        # some wait: segments are never empty, and
                        # copied forward
                        to = "%s%d@%s.test" % (self.prefix, n,
                                               "elsewhere" if n % 9 else
                                               "dead")
                        n += 1
                        s.sendmail("a@next.test", [to], "Subject: x\n\n" +
                                   "y" * random.choice((10, 4000, 60000)))
                        self.acked.append(to)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.01)

    def stop(self):
        self.is_over = True
        self.thread.join()


def delivered(m):
    return [text.split("RCPT TO:<")[1].split(">")[0]
            for text in m.sink.messages()]


def is_copy(path):
    """A segment of copy-forward that holds something."""
    with open(path, "rb") as f:
        head = f.read(65)
    return len(head) == 65 and head[12] == 3


def power_cuts(kind):
    """At random moments of accepting, delivering, journal and checkpoint.

    What counts is what was acknowledged before the cut began: the kernel
    itself answers some fdatasync calls with 0 while a shutdown runs, whose
    data is then gone (a plain loop of write and fdatasync shows it). Without
    power nobody would have heard that answer.
    """
    acked, copies = [], set()
    with on_disk("power", kind=kind) as (m, disk):
        for r in range(ROUNDS):
            m.start()
            if r % 2:
                m.ctl("delivery", "hold", "round %d" % r)
            else:
                m.ctl("delivery", "release")
            loads = [Load(m, "r%d-%d-" % (r, i)) for i in range(4)]
            time.sleep(random.uniform(0.05, 2))
            acked += [to for load in loads for to in list(load.acked)]
            disk.cut()
            for load in loads:
                load.stop()
            m.kill_all()
            disk.umount()
            disk.mount()
            copies |= {p for p in glob.glob(disk.at + "/segment/*")
                       if is_copy(p)}
        m.start()
        s = m.status()
        assert s["lost"] == 0, s
        m.ctl("delivery", "release")
        m.ctl("hosts", "retry", "*", check=False)
        m.ctl("queue", "retry", "age>0s", "--yes", check=False)
        wait_for("a queue of what cannot go",
                 lambda: not m.queue("to:elsewhere.test"), 60)
        got = delivered(m)
        waits = {q["rcpts"][0]["to"] for q in m.queue()}
        missing = set(acked) - set(got) - waits
        assert not missing, "%d of %d acked are lost: %s" % (
            len(missing), len(acked), sorted(missing)[:5])
        print("     %d cuts of %s, %d acked, %d lost, %d delivered, %d of "
              "them more than once, %d wait; %d segments of copies" % (
                  ROUNDS, kind, len(acked), len(missing), len(set(got)),
                  len(got) - len(set(got)), len(waits), len(copies)))
        m.stop()


def it_loses_nothing_by_power_cuts():
    if IS_ROOT:
        power_cuts("ext4")


def it_loses_nothing_by_power_cuts_of_xfs():
    if IS_ROOT:
        power_cuts("xfs")


def it_refuses_on_a_full_disk_and_recovers():
    if not IS_ROOT:
        return
    with on_disk("full", "150M") as (m, disk):
        m.start()
        m.send("a@elsewhere.test")
        with open(disk.at + "/ballast", "wb") as f:
            try:
                while True:
                    f.write(b"x" * 65536)
                    f.flush()
            except OSError:
                pass

        def refused():
            try:
                m.send("b@elsewhere.test")
            except smtplib.SMTPSenderRefused as e:
                return e.smtp_code == 452
            return False
        wait_for("452", refused)
        assert "refusing mail: 452" in m.status()["state"]
        assert m.events("sys.resource") or m.events("spool.error")
        os.remove(disk.at + "/ballast")
        wait_for("mail again", lambda: not refused())
        m.wait_empty()
        m.stop()


def fill(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(fd, b"x" * 4096):
            pass
    except OSError:
        pass
    os.close(fd)


def it_starts_without_room_for_events():
    """A full event disk never stops mail, not even at the start."""
    if not IS_ROOT:
        return
    with Mtad("events") as m:
        m.stop()
        log = m.dir + "/log"
        sh("mount", "-t", "tmpfs", "-o", "nr_inodes=12,size=1m,mode=755",
           "tmpfs", log)
        try:
            m.start()
            m.stop()
            fill(log + "/ballast")
            try:
                for i in range(20):
                    os.mkdir("%s/%d" % (log, i))
            except OSError:
                pass
            m.start()
            m.send("x@elsewhere.test")
            m.wait_remote()
            for i in range(20):
                if os.path.isdir("%s/%d" % (log, i)):
                    os.rmdir("%s/%d" % (log, i))
            os.remove(log + "/ballast")
            m.send("y@elsewhere.test")
            wait_for("events again", lambda: [
                e for e in m.events("msg.received") if e["seq"] > 1])
        finally:
            m.stop()
            sh("umount", "-l", log)


def it_keeps_a_damaged_message_and_says_which():
    with Mtad("damage") as m:
        m.ctl("delivery", "hold", "test")
        m.send("x@elsewhere.test", text="Subject: x\n\nFINDME\n")
        m.send("y@elsewhere.test", text="Subject: y\n\nwhole\n")
        m.stop()
        for name in glob.glob(m.dir + "/spool/segment/*"):
            with open(name, "r+b") as f:
                at = f.read().find(b"FINDME")
                if at >= 0:
                    f.seek(at)
                    f.write(b"f")
        m.start()
        m.ctl("delivery", "release")
        m.wait_remote()
        wait_for("the damage", lambda: m.events("spool.damage"))
        q = wait_for("the damaged one alone", lambda: len(m.queue()) == 1
                     and m.queue())
        assert q[0]["state"] == "damaged", q
        assert m.events("spool.damage")[0]["msg.id"] == q[0]["id"]
        assert len(m.events("spool.damage")) == 1
        assert not m.events("dsn.sent")


def filled(folder):
    """Segments that hold more than their head."""
    sizes = []
    for f in os.scandir(folder):
        try:
            sizes.append(f.stat().st_size)
        except FileNotFoundError:
            pass
    return sum(size > 64 for size in sizes)


def it_copies_forward_what_pins_a_segment():
    """Ten waiting messages among 4 MB of mail that went: the space comes
    back, and a death in the midst changes nothing."""
    with Mtad("copy", extra='SegmentSize = "1MB"\n') as m:
        for i in range(10):
            m.send("w%d@dead.test" % i, text="Subject: stuck\n\n%d\n" % i)
            for k in range(10):
                m.send("x@elsewhere.test",
                       text="Subject: x\n\n" + "y" * 70 + "\n" * 40000)
        wait_for("the others to be gone", lambda: len(m.queue()) == 10)
        before = {r["id"]: m.ctl("queue", "cat", r["id"]).stdout
                  for r in m.queue()}
        segments = m.dir + "/spool/segment"
        assert filled(segments) > 3
        m.kill_all()
        m.start()
        wait_for("one segment with all", lambda: filled(segments) == 1, 40)
        for _ in range(2):
            after = {r["id"]: m.ctl("queue", "cat", r["id"]).stdout
                     for r in m.queue()}
            assert after == before
            m.kill_all()
            m.start()
        assert m.status()["lost"] == 0


if __name__ == "__main__":
    # mounts of our own, that no namespace made meanwhile keeps alive
    if IS_ROOT and "MOUNTS" not in os.environ:
        os.execvpe("unshare", ["unshare", "-m", sys.executable] + sys.argv,
                   dict(os.environ, MOUNTS="own"))
    stories(sys.modules[__name__])
