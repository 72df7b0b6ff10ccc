#!/usr/bin/env python3
"""A disk that loses all that was not synced, names too; whose syncs fail as
Linux has it; that hangs, and that fills: below a whole mtad, by a file system
in user space (fuse_store.c). ROUNDS=n for more power cuts, SEED=n for the
same ones again."""
import contextlib
import errno
import glob
import json
import os
import random
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from load import Load, arrived  # noqa: E402
from mtad import IS_ROOT, Mtad, stories, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = int(os.environ.get("ROUNDS", "10"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
FOR_EVER = 1 << 30
CONF = ('SegmentSize = "1MB"\nSmtpdProcesses = 2\n'
        'Timeout.queuereturn = "1h"\n')
# At the Nth of these calls, N up to `most`, the power goes. is_early: it is
# one of the first that a start makes.
POINTS = (  # name, what, part, program, most, is_early
    ("accept: write", "append", "segment", "mtad-smtpd", 30, False),
    ("journal: next file", "rename", "journal", "mtad-queue", 1, True),
    ("copy-forward: write", "append", "segment", "mtad-queue", 3, False),
    ("accept: sync", "sync", "segment", "mtad-smtpd", 30, False),
    ("checkpoint: sync", "sync", "checkpoint", "mtad-queue", 2, True),
    ("journal: write", "append", "journal", "mtad-queue", 30, False),
    ("accept: body", "sync", "body", "mtad-smtpd", 10, False),
    ("segment: gone", "unlink", "segment", "mtad-queue", 3, False),
    ("checkpoint: any", "any", "checkpoint", "mtad-queue", 5, True),
    ("journal: sync", "sync", "journal", "mtad-queue", 30, False),
    ("copy-forward: sync", "sync", "segment", "mtad-queue", 6, False),
    ("start: any", "any", "-", "mtad-queue", 40, True),
    ("body: gone", "unlink", "body", "mtad-queue", 10, False),
    ("random", None, None, None, 0, False),
)
LUCKS = ("none", "prefix", "torn")


class Store:
    """fuse_store at the spool's place."""

    def __init__(self, m):
        assert os.path.exists("/dev/fuse"), (
            "there is no /dev/fuse: FUSE is needed for this part")
        self.at, self.socket = m.dir + "/spool", m.dir + "/store"
        os.makedirs(self.at, exist_ok=True)
        program = m.dir + "/fuse_store"
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "fuse3"], check=True,
            capture_output=True, text=True).stdout.split()
        subprocess.run(
            ["cc", "-O", "-D_GNU_SOURCE", "-o", program,
             *(HERE + f for f in ("/fuse_store.c", "/fuse_control.c",
                                  "/unsynced.c"))] + flags, check=True)
        self.proc = subprocess.Popen([program, self.at, self.socket])
        wait_for("the store", self.is_mounted)

    def is_mounted(self):
        assert self.proc.poll() is None, "fuse_store did not start"
        return os.path.exists(self.socket) and os.path.ismount(self.at)

    def say(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.socket)
            s.sendall(" ".join(map(str, words)).encode() + b"\n")
            answer = s.recv(200).decode().strip()
        assert answer != "what?", words
        return answer

    def arm(self, what, part, program, at, action, times=1):
        """The call number `at` from now on fails."""
        self.say("arm", what, part, program, at, times, action)

    def state(self):
        alive, matched, failed = self.say("state").split()
        return alive == "alive", int(matched), int(failed)

    def umount(self):
        umount = ["umount"] if IS_ROOT else ["fusermount3", "-u"]
        wait_for("umount", lambda: subprocess.run(
            umount + [self.at], capture_output=True).returncode == 0)

    def power_on(self):
        self.umount()
        wait_for("the umount", lambda: not os.path.ismount(self.at))
        self.say("mount")
        wait_for("the mount", self.is_mounted)

    def close(self):
        self.say("hang", 0)
        self.umount()
        self.proc.kill()
        self.proc.wait()


@contextlib.contextmanager
def on_store(name, extra=CONF):
    m = Mtad(name, extra=extra)
    store = Store(m)
    is_good = False
    try:
        yield m, store
        assert "Sanitizer" not in m.output(), m.output()[-3000:]
        assert "runtime error" not in m.output(), m.output()[-3000:]
        is_good = True
    finally:
        if not is_good:
            print("-- what mtad said:\n" + m.output()[-3000:])
        store.say("hang", 0)
        if m.proc and m.proc.poll() is None:
            m.kill_all()
        m.sink.stop()
        store.close()
        if is_good:
            shutil.rmtree(m.dir, ignore_errors=True)


class Cuts:
    """One power cut after the other, and what they hit."""

    def __init__(self, m, store, rng):
        self.m, self.store, self.rng = m, store, rng
        self.acked, self.hits, self.times = {}, {}, []
        self.names = 0

    def begin(self):
        """Up, or without power already."""
        def is_up():
            try:
                return self.m.ctl("status", check=False,
                                  timeout=1).returncode == 0
            except subprocess.TimeoutExpired:
                return False
        before = self.damage()
        self.m.launch()
        wait_for("mtad", lambda: not self.store.state()[0] or is_up(), 30)
        # without power nothing reads
        assert not self.store.state()[0] or self.damage() == before, (
            self.m.events("spool.damage")[-1])

    def damage(self):
        return len(self.m.events("spool.damage"))

    def load(self):
        """Some of it waits for a host that is dead, so that segments are
        never quite empty and have to be copied forward."""
        self.names += 1
        to = ("%s@elsewhere.test", "alice+%s@demo.test") * 4
        return Load(self.m, clients=8, to=to + ("%s@dead.test",),
                    prefix="%d-" % self.names)

    def fault(self, seconds):
        """Until the power goes, or for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.store.state()[0]:
            time.sleep(0.005)

    def cut(self, load, luck, key):
        is_hit = not self.store.state()[0]
        # what was answered before the power went counts
        if not is_hit:
            self.acked.update(load.acked)
        self.store.say("cut", luck, self.rng.randrange(1 << 30))
        self.times.append(time.time())
        if is_hit:
            self.acked.update(load.acked)
        self.m.kill_all()
        load.stop()
        self.store.power_on()
        key = key if is_hit else "random"
        self.hits[key] = self.hits.get(key, 0) + 1

    def once(self, point, luck):
        name, what, part, program, most, is_early = point
        at = self.rng.randint(1, most or 1)
        action = "cut:%s:%d" % (luck, self.rng.randrange(1 << 30))
        if is_early:
            self.store.arm(what, part, program, at, action)
        self.begin()
        load = self.load()
        if what and not is_early:
            self.store.arm(what, part, program, at, action)
        self.fault(self.rng.uniform(0.2, 1) if what is None else 4)
        self.cut(load, luck, name)

    def account(self):
        """All that got its 250 has arrived, whole, or waits; what came twice
        was being delivered when the power went."""
        m = self.m
        self.begin()
        status = m.status()
        assert not status["lost"] and not status["damaged"], status
        wait_for("all to be gone that can", lambda: not m.queue(
            "to:elsewhere.test") and not m.queue("to:demo.test"), 120)
        got = arrived(m)
        waits = {r["to"].split("@")[0] for q in m.queue()
                 for r in json.loads(m.ctl("-j", "queue", "show", q["id"])
                                     .stdout)["rcpts"]}
        lost = sorted(set(self.acked) - set(got) - waits)
        assert not lost, "%d of %d are lost: %s" % (
            len(lost), len(self.acked), lost[:5])
        twice = {n: t for n, t in got.items() if len(t) > 1}
        for name, times in twice.items():
            assert any(abs(min(times) - k) < 1.5 for k in self.times), (
                "%s came twice, and the power did not go then" % name)
        print("     seed %d: %d cuts: %s" % (
            SEED, len(self.times), ", ".join(
                "%s %d" % h for h in sorted(self.hits.items()))))
        print("     %d acked, %d arrived, %d of them more than once, %d wait"
              % (len(self.acked), len(got), len(twice), len(waits)))


def it_loses_nothing_by_power_cuts():
    rng = random.Random(SEED)
    with on_store("fuse") as (m, store):
        cuts = Cuts(m, store, rng)
        for n in range(ROUNDS):
            cuts.once(POINTS[n % len(POINTS)], rng.choice(LUCKS))
        cuts.account()
        m.stop()


def it_believes_no_sync_that_failed():
    """Calls fail, of the syncs what they covered is gone, mail goes on: and
    then the power goes."""
    rng = random.Random(SEED + 1)
    with on_store("syncs") as (m, store):
        cuts = Cuts(m, store, rng)
        for n in range(max(1, ROUNDS // 3)):
            cuts.begin()
            load = cuts.load()
            what = rng.choice(("sync", "sync", "write", "any"))
            part = rng.choice(("segment", "journal", "checkpoint", "-"))
            program = rng.choice(("mtad-smtpd", "mtad-queue", "mtad"))
            store.arm(what, part, program, rng.randrange(1, 60), errno.EIO,
                      rng.choice((1, 1, 2, 5)))
            cuts.fault(rng.uniform(1, 2.5))
            failed = store.state()[2]
            cuts.cut(load, "none", "x")
            cuts.hits["failed calls"] = cuts.hits.get(
                "failed calls", 0) + failed
        cuts.account()
        m.stop()


def dot(m, text="Subject: x\n\nx\n", timeout=5):
    """A letter up to its dot; the answer comes, or does not."""
    s = smtplib.SMTP("127.0.0.1", m.port, timeout=timeout)
    s.ehlo()
    s.mail("a@next.test")
    s.rcpt("x@elsewhere.test")
    assert s.docmd("DATA")[0] == 354
    s.send(text.replace("\n", "\r\n") + ".\r\n")
    return s


def takes(m, to):
    try:
        m.send(to)
    except smtplib.SMTPSenderRefused as e:
        assert e.smtp_code // 100 == 4, e
        return False
    return True


def it_waits_for_a_disk_that_hangs():
    """Like a mail server above a dead NFS server. What waits for no disk goes
    on; what was not answered is, when the disk is back."""
    with on_store("hang") as (m, store):
        m.start()
        m.send("before@elsewhere.test")
        m.wait_empty()
        m.send("w@dead.test")
        store.say("hang", 1)
        sessions = [dot(m) for _ in range(3)]
        time.sleep(3)  # the disk is what is waited for: it does not come
        begun = time.monotonic()
        with m.smtp() as s:
            assert s.ehlo()[0] == 250
            assert s.vrfy("alice@demo.test")[0] in (250, 252)
            code = s.mail("a@next.test")[0]
            assert code == 250 or code // 100 == 4, code
            s.rset()
        assert m.ctl("status", timeout=5).returncode == 0
        assert len(m.queue("to:dead.test")) == 1
        assert time.monotonic() - begun < 5
        store.say("hang", 0)
        assert [s.getreply()[0] for s in sessions] == [250] * 3
        wait_for("all to arrive", lambda: len(m.sink.names()) == 4)
        # a segment may still be on its way to smtpd: 4xx until it is there
        wait_for("mail to be taken", lambda: takes(m, "after@elsewhere.test"))
        wait_for("that one, too", lambda: len(m.sink.names()) == 5)
        m.stop()


def it_ends_while_the_disk_hangs():
    """SIGTERM: within 10 s, and it says what it left behind; nothing that
    was answered is lost."""
    with on_store("end") as (m, store):
        m.start()
        m.ctl("delivery", "hold", "test")
        m.send("kept@elsewhere.test")
        store.say("hang", 1)
        session = dot(m)
        m.proc.send_signal(signal.SIGTERM)
        m.proc.wait(10.5)
        assert "waits for a disk" in m.output()
        store.say("hang", 0)
        try:
            code = session.getreply()[0]
        except smtplib.SMTPServerDisconnected:
            code = 0
        m.start()
        m.ctl("delivery", "release")
        wait_for("what was answered", lambda: len(m.sink.names()) >=
                 1 + (code == 250))
        m.stop()


def it_refuses_on_a_full_disk_and_recovers():
    with on_store("full") as (m, store):
        m.start()
        m.send("a@elsewhere.test")
        store.say("full", 1)

        def refused():
            try:
                m.send("b@elsewhere.test")
            except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as e:
                return e.smtp_code // 100 == 4
            return False
        wait_for("4yz", refused)
        wait_for("the event", lambda: m.events("sys.resource") or
                 m.events("spool.error"))
        store.say("full", 0)
        wait_for("mail again", lambda: not refused())
        m.wait_empty()
        m.stop()


def sync_all(folder):
    """What the disk did by itself before the power went."""
    for path in [folder] + glob.glob(folder + "/*"):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


def it_keeps_a_body_until_its_outcome_is_durable():
    """No sync of the queue succeeds any more, not the journal's and not the
    checkpoint's that follows; a large letter is delivered; the power goes."""
    with on_store("outcome") as (m, store):
        m.start()
        m.send("before@elsewhere.test")
        m.wait_empty()
        m.ctl("delivery", "hold", "test")
        m.send("x@elsewhere.test", text="Subject: x\n\n" +
               ("y" * 70 + "\n") * 6000)
        m.ctl("delivery", "release")
        store.arm("sync", "-", "mtad-queue", 1, errno.EIO, FOR_EVER)
        wait_for("the letter", lambda: len(m.sink.names()) == 2)
        wait_for("the second try", lambda: store.state()[2] >= 4)
        sync_all(m.dir + "/spool/body")
        store.say("cut", "none", 1)
        m.kill_all()
        store.power_on()
        m.start()
        wait_for("an empty queue", lambda: not m.queue() or m.events(
            "spool.damage"))
        assert not m.events("spool.damage"), m.events("spool.damage")[0]
        m.stop()


def it_gives_no_body_number_twice():
    """Large letters went; mtad dies; others come before the start's checkpoint
    is written; it dies again. The files of the second ones are their own."""
    large = "Subject: %s\n\n" + ("y" * 70 + "\n") * 6000
    with on_store("bodies", extra=CONF.replace("= 2", "= 1")) as (
            m, store):
        m.start()
        for i in range(9):
            m.send("a@elsewhere.test", text=large % "first")
        m.wait_empty()
        wait_for("their files to go", lambda: not any(
            os.path.getsize(p) for p in glob.glob(m.dir + "/spool/body/*")))
        m.kill_all()
        for path in glob.glob(m.dir + "/spool/body/*"):
            os.remove(path)  # the spares, as a sweep would
        store.arm("sync", "checkpoint", "mtad-queue", 1, errno.EIO, FOR_EVER)
        m.start()
        m.ctl("delivery", "hold", "test")
        for i in range(9):
            m.send("b@elsewhere.test", text=large % "second")
        m.kill_all()
        store.say("disarm")
        m.start()
        m.ctl("delivery", "release")
        wait_for("all of them", lambda: len(m.sink.names()) >= 18 or
                 m.events("spool.damage"))
        assert not m.events("spool.damage"), m.events("spool.damage")[0]
        m.stop()


def it_takes_a_drop_file_once_though_it_cannot_remove_it():
    with on_store("drop") as (m, store):
        m.start()
        m.stop()
        m.sendmail("x@elsewhere.test", input="Subject: x\n\nx\n")
        store.arm("unlink", "drop", "mtad-queue", 1, errno.EIO, FOR_EVER)
        m.start()
        wait_for("the letter", m.sink.names)
        wait_for("the event", lambda: m.events("spool.error"))
        m.send("y@elsewhere.test")
        m.wait_empty()
        assert len(m.sink.names()) == 2, len(m.sink.names())
        m.stop()


def it_loses_one_message_to_a_sector_that_does_not_read():
    """EIO in the midst of a segment, at a start: the rest is there, and the
    file is kept when that went."""
    with on_store("sector", CONF.replace("= 2", "= 1")) as (m, store):
        m.start()
        m.ctl("delivery", "hold", "test")
        for i in range(30):
            m.send("x%d@elsewhere.test" % i, text="Subject: x\n\n" +
                   ("y" * 70 + "\n") * 200)
        m.kill_all()
        store.power_on()
        store.say("bad", "segment", 7 * 15000 // 4096 * 4096)
        m.start()
        damage = m.events("spool.damage")
        assert "sectors do not read" in [e["error"] for e in damage], damage
        assert 28 <= len(m.queue()) <= 29, len(m.queue())
        m.ctl("delivery", "release")
        m.wait_empty()
        assert len(m.sink.names()) in (28, 29)
        wait_for("the file to be kept", lambda: glob.glob(
            m.dir + "/spool/segment/*.bad"))
        m.stop()


if __name__ == "__main__":
    # mounts of our own, that no namespace made meanwhile keeps alive
    if IS_ROOT and "MOUNTS" not in os.environ:
        os.execvpe("unshare", ["unshare", "-m", sys.executable] + sys.argv,
                   dict(os.environ, MOUNTS="own"))
    stories(sys.modules[__name__])
