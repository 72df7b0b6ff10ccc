#!/usr/bin/env python3
"""kill -9 of any process, or of all, at random moments under load.

Each round waits until at least 20 transactions are in flight, aims at a
phase (or at none), and kills. At the end: every letter that got its 250 has
arrived, none is damaged, and what came twice was being delivered when
something died: there are no more of them than attempts were under way, and
their first copy came just then. ROUNDS=200 by hand.
"""
import glob
import os
import random
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from load import Load, arrived, letter  # noqa: E402
from mtad import Mtad, stories, wait_for, wrap  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "16"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
IN_FLIGHT = 20
RESTS = ("futex", "epoll")  # a thread that has nothing to do
VICTIMS = ("mtad-smtpd", "mtad-queue", "mtad-remote", "mtad-local",
           "mtad-lookup", "mtad", "all")
AIMS = (  # a phase, and who can be in it
    ("any", VICTIMS),
    ("sync", ("mtad-queue", "mtad-smtpd", "all")),
    ("delivery", ("mtad-remote", "mtad-local", "mtad-queue", "all")),
    ("checkpoint", ("mtad-queue", "all")),
    ("any", VICTIMS),
    ("accept", ("mtad-smtpd", "mtad-queue", "mtad", "all")),
    ("recovery", ("mtad-queue", "all")),
    ("idle", ("mtad-lookup", "mtad-remote", "mtad-local", "mtad")),
)


class Counters:
    """run/stats, as lib/stat.h lays it out."""

    def __init__(self, m):
        self.path = m.dir + "/run/stats"

    def get(self, want):
        with open(self.path, "rb") as f:
            raw = f.read()
        slots, counters, size, name_size = struct.unpack_from("<4I", raw, 8)
        names = [raw[32 + i * name_size:][:name_size].split(b"\0")[0].decode()
                 for i in range(counters)]
        at = 32 + 64 * name_size + 96 + 8 * names.index(want)
        return sum(struct.unpack_from("<Q", raw, at + i * size)[0]
                   for i in range(slots))


def waits(pid):
    """Where in the kernel each thread of a process waits; "0": it runs."""
    out = []
    for path in glob.glob("/proc/%d/task/*/wchan" % pid):
        try:
            with open(path) as f:
                out.append(f.read())
        except OSError:
            pass
    return out


def files(pid):
    out = []
    for path in glob.glob("/proc/%d/fd/*" % pid):
        try:
            out.append(os.readlink(path))
        except OSError:
            pass
    return out


def is_recovering(m):
    """It holds the spool, and has not opened its spare body files yet."""
    for pid in m.children("mtad-queue"):
        open_files = [f.replace(m.dir, "") for f in files(pid)]
        if "/spool/lock" in open_files and not any(
                f.startswith("/spool/body/") for f in open_files):
            return True
    return False


def phases(m, load, pids):
    """What is going on in this moment: looked at, not guessed."""
    found = set()
    if load.count("dot"):
        found.add("accept")
    busy = [w for pid in pids for w in waits(pid)
            if not any(rest in w for rest in RESTS)]
    if not busy:
        found.add("idle")
    elif any(w != "0" for w in busy):
        found.add("sync")  # a wait for the disk
    if Counters(m).get("queue_active"):
        found.add("delivery")
    if glob.glob(m.dir + "/spool/checkpoint/*.tmp"):
        found.add("checkpoint")
    if is_recovering(m):
        found.add("recovery")
    return found


def kill(pids, how):
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass


class Deaths:
    """When something was killed, and how many attempts were under way."""

    def __init__(self, m):
        self.counters, self.times, self.attempts = Counters(m), [], 0

    def strike(self, pids):
        self.attempts += self.counters.get("queue_active")
        kill(pids, signal.SIGKILL)
        self.times.append(time.time())


def victims(m, name):
    if name == "all":
        return [m.proc.pid] + m.children()
    if name == "mtad":
        return [m.proc.pid]
    return m.children(name)


def aim(m, load, deaths, name, phase):
    """The processes to kill, once the phase is there. Recovery and the
    checkpoint after it need a death of the queue first."""
    if phase in ("recovery", "checkpoint"):
        deaths.strike(m.children("mtad-queue"))
    elif phase == "any":
        end = time.monotonic() + random.random() * 0.3
        while time.monotonic() < end:
            time.sleep(0.001)
    end = time.monotonic() + 3
    while True:
        pids = victims(m, name)
        hit = phases(m, load, pids) if pids else set()
        flying = load.in_flight()
        if flying >= IN_FLIGHT and (phase == "any" or phase in hit):
            return pids, hit, flying
        assert time.monotonic() < end + 30, "nothing is in flight"
        if time.monotonic() > end:
            phase = "any"


def begin_again(m, name):
    if name in ("mtad", "all"):
        m.proc.wait()
        m.start()


def account(m, load, deaths):
    """Nothing lost, nothing damaged, nothing twice without a reason."""
    wait_for("the queue to drain", lambda: not m.queue(), 180)
    got = arrived(m)
    lost = sorted(set(load.acked) - set(got))
    assert not lost, "%d lost, first %s of %s" % (
        len(lost), lost[0], load.acked[lost[0]])
    twice = {n: t for n, t in got.items() if len(t) > 1}
    for name, times in twice.items():
        first = min(times)
        assert any(abs(first - k) < 1 for k in deaths.times), (
            "%s came twice and nobody died then" % name)
    # outcomes gather for 20 ms before they are made durable
    just = sum(any(0 <= k - min(times) < 0.1 for k in deaths.times)
               for times in got.values())
    print("     %d answered 250, %d arrived, %d of them twice; %d attempts "
          "were under way, %d had just ended" % (
              len(load.acked), len(got), len(twice), deaths.attempts, just))
    assert len(twice) <= deaths.attempts + just


def it_loses_nothing_whoever_dies():
    random.seed(SEED)
    hits = dict.fromkeys(("accept", "sync", "delivery", "checkpoint",
                          "recovery", "idle"), 0)
    by_victim = dict.fromkeys(VICTIMS, 0)
    flights = []
    with Mtad("kill") as m:
        load, deaths = Load(m), Deaths(m)
        for n in range(ROUNDS):
            wait_for("transactions in flight",
                     lambda: load.in_flight() >= IN_FLIGHT, 60)
            phase, who = AIMS[n % len(AIMS)]
            name = random.choice(who)
            pids, hit, flying = aim(m, load, deaths, name, phase)
            deaths.strike(pids)
            flights.append(flying)
            by_victim[name] += 1
            for phase in hit:
                hits[phase] += 1
            begin_again(m, name)
        load.stop()
        wait_for("service", lambda: m.is_up())
        print("     seed %d, %d rounds, in flight %d to %d; victims: %s" % (
            SEED, ROUNDS, min(flights), max(flights), say(by_victim)))
        print("     phases hit: " + say(hits))
        account(m, load, deaths)
        if ROUNDS >= 100:
            assert all(hits.values()), "a phase that was never hit"
        damage = m.events("spool.damage")
        assert not damage, damage[0]
        lost = [e for e in m.events("sys.unclean") if e["lost_count"]]
        assert not lost, lost[0]


def it_waits_for_programs_that_are_gone():
    """An upgrade that went wrong: nothing can be started for a while."""
    with Mtad("gone", extra="SmtpdProcesses = 4\nRemoteProcesses = 4\n") as m:
        m.stop()
        wrap(m, "mtad-queue", "")  # programs of its own
        m.start()
        folder = m.prefix + "/libexec/mtad"
        os.rename(folder, folder + ".away")
        kill(m.children(), signal.SIGKILL)
        wait_for("many tries", lambda: m.proc.poll() is not None or
                 m.output().count("cannot start") >= 40)
        assert m.proc.poll() is None, m.output()[-500:]
        os.rename(folder + ".away", folder)
        wait_for("service", lambda: m.children("mtad-queue") and
                 m.children("mtad-smtpd") and m.is_up(), 40)
        m.send("x@elsewhere.test")
        m.wait_remote()


def it_repeats_nothing_from_a_segment_that_is_still_held():
    """The queue dies while a smtpd cannot let go of its segment: what was
    delivered from it stays delivered."""
    with Mtad("held", extra="SmtpdProcesses = 1\n") as m:
        for i, size in enumerate((20, 20, 300000)):
            m.send("l%d@elsewhere.test" % i, text=letter("l%d" % i, size))
        m.wait_empty()
        held = [p for p in glob.glob(m.dir + "/spool/segment/*")
                if os.path.getsize(p) > 64]
        smtpd, queue = (m.children(p) for p in ("mtad-smtpd", "mtad-queue"))
        kill(smtpd, signal.SIGSTOP)
        kill(queue, signal.SIGKILL)
        wait_for("the next queue", lambda: m.children("mtad-queue") not in (
            [], queue) and m.ctl("status", check=False).returncode == 0)
        kill(smtpd, signal.SIGCONT)
        wait_for("the segment to be found dead", lambda: not any(
            os.path.exists(p) for p in held))
        assert {n: len(t) for n, t in arrived(m).items()} == dict.fromkeys(
            ("l0", "l1", "l2"), 1)


def say(counts):
    return ", ".join("%s %d" % row for row in counts.items())


if __name__ == "__main__":
    stories(sys.modules[__name__])
