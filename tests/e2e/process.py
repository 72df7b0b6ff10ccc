#!/usr/bin/env python3
"""Upgrade in place, stop, and a spool of a newer mtad."""
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import Mtad, processes, stories, wait_for  # noqa: E402

RATE = 500  # connections a second


class Knocking:
    """RATE connections a second: greeting, QUIT. Counts what they hear."""

    def __init__(self, port, workers=25):
        self.port, self.heard, self.lock = port, {}, threading.Lock()
        self.is_over, self.longest = False, 0
        self.started = time.monotonic()
        self.threads = [threading.Thread(target=self.knock, args=(i, workers),
                                         daemon=True)
                        for i in range(workers)]
        for t in self.threads:
            t.start()

    def knock(self, first, step):
        n = first
        while not self.is_over:
            due = self.started + n / RATE
            time.sleep(max(0, due - time.monotonic()))
            n += step
            word = self.once()
            with self.lock:
                self.heard[word] = self.heard.get(word, 0) + 1
                self.longest = max(self.longest, time.monotonic() - due)

    def once(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 30) as s:
                greeting = s.recv(100)
                s.sendall(b"QUIT\r\n")
                return greeting[:3].decode() or "closed"
        except OSError as e:
            return type(e).__name__

    def wait_for(self, n):
        wait_for("%d connections" % n, lambda: sum(self.heard.values()) >= n)

    def stop(self):
        self.is_over = True
        for t in self.threads:
            t.join()
        return time.monotonic() - self.started


def session(m, *lines):
    """A client that has said these lines, each answered."""
    s = socket.create_connection(("127.0.0.1", m.port), 30)
    f = s.makefile("rb")
    f.readline()
    for line in (b"EHLO x",) + lines:
        s.sendall(line + b"\r\n")
        while f.readline()[3:4] == b"-":
            pass
    return s, f


TO_ALICE = (b"MAIL FROM:<a@b.c>", b"RCPT TO:<alice@demo.test>", b"DATA")


def it_hands_its_sockets_to_the_next_mtad():
    with Mtad("upgrade") as m:
        pid, old = m.proc.pid, set(m.children())
        knocking = Knocking(m.port)
        in_data = [session(m, *TO_ALICE) for _ in range(20)]
        knocking.wait_for(RATE)
        m.proc.send_signal(signal.SIGUSR2)  # what mtactl upgrade asks for
        for s, f in in_data:
            s.sendall(b"Subject: x\r\n\r\nx\r\n.\r\n")
            assert f.readline()[:3] == b"250"
            s.close()
        wait_for("new processes", lambda: len(m.children("mtad-smtpd")) and
                 not old & set(m.children()), 30)
        wait_for("service", m.is_up)
        m.send("bob@demo.test")
        knocking.wait_for(3 * RATE)
        seconds = knocking.stop()
        print("     %s in %.1f s, the longest wait %.2f s" % (
            knocking.heard, seconds, knocking.longest))
        assert m.proc.pid == pid and m.proc.poll() is None
        assert set(knocking.heard) == {"220"}, "some were refused"
        assert sum(knocking.heard.values()) > 0.8 * RATE * seconds, "too slow"
        m.wait_mail("alice", 20)
        m.wait_mail("bob")


def it_stops_within_ten_seconds_and_says_421():
    with Mtad("stop") as m:
        stages = {"idle": (), "mail": TO_ALICE[:1], "data": TO_ALICE}
        clients = {name: session(m, *lines)
                   for name, lines in stages.items()}
        greeted = socket.create_connection(("127.0.0.1", m.port), 30)
        started = time.monotonic()
        m.proc.send_signal(signal.SIGTERM)
        for name, (s, f) in clients.items():
            s.settimeout(15)
            assert f.readline()[:3] == b"421", name
        assert b"421 " in greeted.makefile("rb").read()
        m.proc.wait(15)
        assert time.monotonic() - started < 10
        assert m.proc.returncode == 0
        m.start()
        assert m.status()["clean_start"]


def tree(folder):
    """Every file below it, and what is in it; the lock is anybody's."""
    out = {}
    for path, _, files in os.walk(folder):
        for name in files:
            if name != "lock":
                with open(os.path.join(path, name), "rb") as f:
                    out[path, name] = hashlib.sha1(f.read()).hexdigest()
    return out


def it_touches_no_spool_of_a_newer_format():
    with Mtad("format") as m:
        m.send("x@dead.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        m.stop()
        identity = m.dir + "/spool/identity"
        with open(identity) as f:
            text = f.read()
        with open(identity, "w") as f:
            f.write(text.replace("format 1\n", "format 99\n"))
        before = tree(m.dir + "/spool")
        m.proc = subprocess.Popen(
            [m.prefix + "/sbin/mtad", "-F", "-f", m.dir + "/mtad.conf"],
            stdout=m.out, stderr=m.out)
        wait_for("it to say so", lambda: "has format 99" in m.output())
        m.stop()
        assert tree(m.dir + "/spool") == before
        with open(identity, "w") as f:
            f.write(text)
        m.start()
        assert len(m.queue()) == 1


def it_says_when_the_queue_does_not_answer():
    with Mtad("mute") as m:
        queue, = m.children("mtad-queue")
        os.kill(queue, signal.SIGSTOP)
        r = m.ctl("status", check=False)
        os.kill(queue, signal.SIGCONT)
        assert r.returncode != 0 and "has not answered" in r.stderr, r
        m.ctl("status")


def in_background(m):
    """mtad without -F; its process id."""
    m.run("sbin/mtad", "-f", m.dir + "/mtad.conf")
    wait_for("mtad", lambda: m.ctl("status", check=False).returncode == 0)
    with open(m.dir + "/run/mtad.pid") as f:
        return int(f.read())


def end(pid):
    os.kill(pid, signal.SIGTERM)
    wait_for("its end", lambda: pid not in {p[0] for p in processes()})


# struct stat_file and stat_slot of lib/stat.h
HEADER, SLOT, NAMES = 32, 4096, 64 * 32


def it_says_what_a_killed_mtad_took_along():
    with Mtad("gap") as m:
        m.send("x@elsewhere.test")
        m.wait_remote()
        m.stop()
        m.start()
        assert not m.events("log.gap")  # an orderly stop loses nothing
        m.send("x@elsewhere.test")
        m.wait_remote(2)
        m.kill_all()
        with open(m.dir + "/run/stats", "r+b") as f:
            for i in range(64):
                at = HEADER + NAMES + i * SLOT
                f.seek(at)
                if f.read(32).rstrip(b"\0") == b"mtad-queue":
                    f.seek(at + 40)
                    written, = struct.unpack("8xQ", f.read(16))
                    f.seek(at + 40)
                    f.write(struct.pack("Q", written + 3))
                    f.seek(at + 56)
                    boot = f.read(32).decode()
        m.start()
        gap, = wait_for("the gap", lambda: [
            e for e in m.events("log.gap") if e["source.boot"] == boot])
        assert gap["from_seq"] == written + 1 and gap["lost_count"] == 3, gap
        assert gap["cause"] == "mtad was killed"


def it_keeps_its_words_when_nobody_looks():
    with Mtad("background") as m:
        m.stop()
        pid = in_background(m)
        victim = next(p for p, name, parent in processes()
                      if parent == pid and name == "mtad-lookup")
        os.kill(victim, signal.SIGKILL)
        errors = m.dir + "/log/mtad.err"
        line = wait_for("the line", lambda: re.search(
            r"^(\S+)Z mtad: mtad-lookup \[%d\] died" % victim,
            open(errors).read(), re.M))
        assert line.group(1).startswith(time.strftime("%Y-", time.gmtime()))
        end(pid)
        # the folder is the queue's: nobody has us write to another file
        os.rename(errors, errors + ".was")
        with open(m.dir + "/precious", "w"):
            os.symlink(m.dir + "/precious", errors)
        pid = in_background(m)
        os.kill(next(p for p, name, parent in processes()
                     if parent == pid and name == "mtad-lookup"),
                signal.SIGKILL)
        wait_for("the event", lambda: len(m.events("sys.child")) >= 2)
        end(pid)
        assert os.path.getsize(m.dir + "/precious") == 0
        m.start()


if __name__ == "__main__":
    stories(sys.modules[__name__])
