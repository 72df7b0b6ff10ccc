#!/usr/bin/env python3
"""kill -9 under thousands of messages a second, with a checkpoint each second.

Each round waits for a checkpoint that was written under the load, kills one
process or all, and waits until mail flows again. At the end: what was answered
250 has arrived, nothing is damaged or held, and what came twice was being
delivered when something died. ROUNDS=67 by hand.
"""
import glob
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import Mtad, free_port, stories, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = int(os.environ.get("ROUNDS", "6"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
CLIENTS = 64
VICTIMS = ("mtad-queue", "all", "mtad-smtpd", "all", "mtad-remote", "mtad")


class Storm:
    """storm.c: clients, and the host that their mail goes to."""

    def __init__(self, m):
        program = tempfile.mkdtemp(dir=m.dir) + "/storm"
        subprocess.run(["cc", "-O2", "-o", program, HERE + "/storm.c"],
                       check=True)
        self.sink = free_port()
        self.command = [program, str(m.port), str(self.sink), str(CLIENTS)]
        self.acked = self.taken = 0
        self.report, self.twice = None, []

    def start(self):
        self.proc = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                     text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.proc.stdout:
            words = line.split()
            if words[0] == "now":
                self.acked, self.taken = int(words[1]), int(words[2])
            elif words[0] == "twice":
                self.twice.append(float(words[2]))
            else:
                self.report = dict(zip(words[::2], words[1::2]))

    def quiet(self):
        self.proc.send_signal(signal.SIGUSR1)

    def end(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait(30)
        self.reader.join(30)
        return self.report


def newest_checkpoint(m):
    return max((int(os.path.basename(p)) for p in
                glob.glob(m.dir + "/spool/checkpoint/*[0-9]")), default=0)


def strike(m, name):
    pids = {"all": lambda: [m.proc.pid] + m.children(),
            "mtad": lambda: [m.proc.pid]}.get(
                name, lambda: m.children(name))()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    when = time.time()
    if name in ("mtad", "all"):
        m.proc.wait()
        m.start()
    return when


def flows(m, storm, more):
    """So many messages are answered from now on."""
    start = storm.acked
    wait_for("mail to flow", lambda: storm.acked >= start + more, 60)


def it_loses_nothing_in_a_storm():
    random.seed(SEED)
    deaths, sizes = [], []
    with Mtad("storm", extra='CheckpointInterval = "1s"\n'
              'SegmentSize = "2MB"\n') as m:
        storm = Storm(m)
        m.conf = m.conf.replace('Host = "[127.0.0.1]:%d"' % m.sink.port,
                                'Host = "[127.0.0.1]:%d"' % storm.sink)
        m.write("mtad.conf", m.conf)
        m.stop()
        storm.start()
        m.start()
        for n in range(ROUNDS):
            flows(m, storm, 2000)
            before = newest_checkpoint(m)
            wait_for("a checkpoint", lambda: newest_checkpoint(m) > before,
                     30)
            time.sleep(random.random())  # anywhere between two of them
            sizes.append(m.status().get("messages"))
            deaths.append(strike(m, VICTIMS[n % len(VICTIMS)]))
        flows(m, storm, 2000)
        storm.quiet()
        wait_for("service", m.is_up)
        wait_for("the queue to drain",
                 lambda: m.status().get("messages") == 0, 180)
        got = storm.end()
        damage = m.events("spool.damage") + m.events("msg.hold")
        print("     seed %d, %d rounds, %s queued at the kills; %s" % (
            SEED, ROUNDS, "%d to %d" % (min(sizes), max(sizes)),
            ", ".join("%s %s" % row for row in got.items())))
        assert not damage, damage[0]
        assert not [e for e in m.events("sys.unclean") if e["lost_count"]]
        assert got["lost"] == "0" and got["damaged"] == "0"
        for first in storm.twice:
            assert any(abs(first - k) < 1.5 for k in deaths), \
                "one came twice and nobody died then"


if __name__ == "__main__":
    stories(sys.modules[__name__])
