"""mtacollect in stories: its store below a daemon's folder, logs to read."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

from mtad import wait_for

MIDNIGHT = int(time.time()) // 86400 * 86400 - 5 * 86400


def day(n=0, form="%Y-%m-%d"):
    """The day that the logs here are of, and those behind it."""
    return time.strftime(form, time.gmtime(MIDNIGHT + n * 86400))


def file_of(n=0):
    return "/ev-%s.db" % day(n, "%Y%m%d")


class Collector:
    """mtacollect run on m's event log, its store below m's folder."""

    def __init__(self, m, extra="", user=""):
        self.m, self.store = m, m.dir + "/store"
        self.conf = m.dir + "/mtacollect.conf"
        self.proc = None
        m.write("mtacollect.conf", """
StoreDirectory = "%s"
User = "%s"
source "mtad" { Kind = "events" Path = "%s/log" }
%s
""" % (self.store, user, m.dir, extra))

    def start(self, **env):
        self.out = open(self.m.dir + "/collect.out", "a")
        self.proc = subprocess.Popen(
            [self.m.prefix + "/sbin/mtacollect", "run", "-c", self.conf],
            stdout=self.out, stderr=self.out,
            # under a sandbox nothing can look for leaks
            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **env))
        wait_for("the store", lambda: os.path.exists(
            self.store + "/catalog.db") and self.proc.poll() is None)
        return self

    def stop(self, sig=signal.SIGTERM):
        if self.proc:
            self.proc.send_signal(sig)
            self.proc.wait(timeout=20)
            self.proc = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop()
        self.out.close()
        with open(self.m.dir + "/collect.out") as f:
            said = f.read()
        if kind is not None:
            print("-- what mtacollect said:\n" + said[-3000:])
        for word in ("Sanitizer", "runtime error", "was refused"):
            assert word not in said, said[-3000:]

    def run(self, *args, check=True, program="sbin/mtacollect", **kw):
        return self.m.run(program, *args, "-c", self.conf, check=check, **kw)

    def totals(self, *args):
        return json.loads(self.run("totals", "--json", *args).stdout)

    def trace(self, *args, **kw):
        return self.run(*args, program="bin/mtatrace", **kw).stdout

    def keys(self):
        """(boot, seq) of all that is stored."""
        out = []
        for name in sorted(os.listdir(self.store)):
            if name.startswith("ev-") and name.endswith(".db"):
                with contextlib.closing(sqlite3.connect(
                        "file:%s/%s?mode=ro" % (self.store, name),
                        uri=True)) as db:
                    out += db.execute(
                        "SELECT boot, seq FROM ev JOIN writer w "
                        "ON w.id = writer WHERE seq IS NOT NULL").fetchall()
        return out

    def check(self):
        out = self.run("check").stdout
        assert "\n0 faults" in "\n" + out, out
        return out


POSTFIX = """\
DAY 10:00:00 h postfix/smtpd[5]: 3F0001: client=c.test[192.0.2.9]
DAY 10:00:00 h postfix/cleanup[6]: 3F0001: message-id=<1@b.test>
DAY 10:00:00 h postfix/qmgr[7]: 3F0001: from=<a@b.test>, size=700, \
nrcpt=2 (queue active)
DAY 10:00:01 h postfix/smtp[8]: 3F0001: to=<y@y.test>, \
relay=m.test[192.0.2.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent \
(250 ok)
DAY 10:00:03 h postfix/smtp[8]: 3F0001: to=<z@y.test>, \
relay=m.test[192.0.2.3]:25, delay=3, delays=0/0/0/3, dsn=2.0.0, status=sent \
(250 ok)
DAY 10:00:03 h postfix/qmgr[7]: 3F0001: removed
""".replace("DAY", day(form="%b %e"))


def places(store, name, mark="%"):
    """How far the sources were read, as this file of the store has it."""
    if not name.startswith("ev-") or not name.endswith(".db"):
        return []
    with contextlib.closing(sqlite3.connect(
            "file:%s/%s?mode=ro" % (store, name), uri=True)) as db:
        try:
            return [r[0] for r in db.execute(
                "SELECT off FROM place WHERE mark LIKE ?", (mark,))]
        except sqlite3.OperationalError:
            return []  # it is being made
