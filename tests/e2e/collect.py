#!/usr/bin/env python3
"""mtacollect beside a real mtad: every event is there, once."""
import calendar
import contextlib
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import (HERE, IS_ROOT, Mtad, free_port, processes,  # noqa: E402
                  stories, wait_for)

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


def written(m):
    """(boot, seq) of all, but of what was told again after a crash only the
    first (mta-events(7))."""
    told, out = set(), []
    for e in sorted(m.events(), key=lambda e: "retold" in e):
        key = [e.get(k) for k in ("msg.id", "rcpt.id", "attempt", "event")]
        if "retold" in e and repr(key) in told:
            continue
        told.add(repr(key))
        out.append((e["boot"], e["seq"]))
    return out


def same(c, m):
    """All that mtad wrote is stored, and nothing twice."""
    wait_for("all events", lambda: set(written(m)) <= set(c.keys()))
    keys = c.keys()
    assert len(keys) == len(set(keys)), "an event is there twice"
    assert set(keys) == set(written(m))


def it_counts_what_happened():
    with Mtad("collect") as m, Collector(m) as c:
        m.send(["alice@demo.test", "bob@demo.test"])
        m.send("x@elsewhere.test")
        m.send("x@dead.test")
        m.sendmail("-f", "alice@demo.test", "nobody.here@demo.test",
                   input="x\n")
        try:
            m.send("zed@demo.test")
        except Exception:
            pass
        m.wait_mail("alice", 2)
        m.wait_remote()
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        m.ctl("queue", "hold", "to:@dead.test", "--yes")
        m.stop()
        same(c, m)
        events = m.events()
        want = {"received": "msg.received", "delivered": "dlv.ok",
                "deferrals": "dlv.defer", "bounced": "dlv.fail",
                "rejected": "conn.reject", "held": "msg.hold",
                "notices": "dsn.sent"}
        t = c.totals()
        for key, name in want.items():
            n = len([e for e in events if e["event"] == name and
                     e.get("protocol") != "dsn"])
            assert n > 0 and t[key] == n, (key, n, t)
        assert t["bytes_in"] == sum(
            e["size_bytes"] for e in events
            if e["event"] == "msg.received" and e["protocol"] != "dsn")
        assert t["events"] == len(events)
        assert t["completeness"]["complete"], t
        assert c.totals("--to", "2020-01-01")["received"] == 0
        ledger = json.loads(c.run("ledger", "--json").stdout)
        assert ledger["imbalances"] == ledger["unknown"] == 0, ledger
        assert ledger["open_recipients"] == 1, ledger  # held
        assert ledger["delivered"] == t["delivered"], ledger
        assert ledger["bounced"] == t["bounced"] == 1, ledger
        assert c.totals("--from", "1h")["received"] == t["received"]
        c.check()


def it_takes_files_in_any_order_and_twice():
    with Mtad("import") as m:
        for i in range(3):
            m.send("x%d@elsewhere.test" % i)
            m.wait_remote(i + 1)
            m.ctl("log", "rotate")
        wait_for("packed files", lambda: len(
            [n for n in os.listdir(m.dir + "/log") if n[-2:] == "gz"]) >= 2,
            30)
        m.stop()
        c = Collector(m)
        names = sorted(os.listdir(m.dir + "/log"))
        files = [m.dir + "/log/" + n for n in names]
        c.run("import", *reversed(files))
        t = c.totals()
        assert t["received"] == 3 and t["completeness"]["missing"] == 0, t
        again = c.run("import", *files).stdout
        assert "0 events stored" in again, again
        # packed in other ways, and one file by standard input
        plain = m.dir + "/all"
        with open(plain, "wb") as f:
            for name in files:
                f.write(subprocess.run(
                    ["zcat", "-f", name], stdout=subprocess.PIPE).stdout)
        subprocess.run(["xz", "-k", plain], check=True)
        with open(plain) as f:
            out = c.run("import", plain + ".xz", "-", stdin=f).stdout
        assert "0 events stored" in out, out
        assert c.totals() == t
        c.check()


def it_says_what_is_missing():
    with Mtad("missing") as m:
        m.send("alice@demo.test")
        m.wait_mail("alice")
        m.stop()
        c = Collector(m)
        with open(m.dir + "/log/events.000000000001.jsonl") as f:
            lines = f.readlines()
        smtpd = next(i for i, line in enumerate(lines)
                     if '"conn.close"' in line)
        with open(m.dir + "/holed", "w") as f:
            f.writelines(lines[:smtpd] + ["what is this?\n"] +
                         lines[smtpd + 1:])
        c.run("import", m.dir + "/holed")
        t = c.totals()["completeness"]
        assert (t["gaps"], t["missing"], t["unparsed"]) == (1, 1, 1), t
        assert not t["complete"]
        assert "missing: events" in c.run("check").stdout
        with open(m.dir + "/unpaid", "w") as f:  # a delivery is not there
            f.writelines(x for x in lines if '"dlv.ok"' not in x)
        other = Collector(m)
        other.store += "2"
        r = other.run("import", "--store", other.store, m.dir + "/unpaid")
        r = other.run("ledger", "--store", other.store, check=False)
        assert r.returncode == 1 and "(0 events)" in r.stdout, r
        with open(m.dir + "/late", "w") as f:  # and the hole closes again
            f.write(lines[smtpd])
        c.run("import", m.dir + "/late")
        assert c.totals()["completeness"]["missing"] == 0


def it_loses_and_doubles_nothing_when_either_is_killed():
    with Mtad("kill") as m:
        c = Collector(m)
        for i in range(6):
            with c:
                m.send("x%d@elsewhere.test" % i)
                if i % 3 == 1:
                    m.kill_all()
                    m.start()
                if i % 3 == 2:
                    m.ctl("log", "rotate")
                m.send("alice@demo.test")
                c.stop(signal.SIGKILL)
        with c:
            m.wait_remote(6)
            m.wait_empty()
            m.stop()
            same(c, m)
            c.check()
            c.run("ledger")  # and the books agree after every crash


def noted(store):
    """{day: (imbalances, messages, ids)} of the catalog."""
    with contextlib.closing(sqlite3.connect(
            "file:%s/catalog.db?mode=ro" % store, uri=True)) as db:
        return {r[0]: r[1:] for r in db.execute(
            "SELECT day, imbalances, messages, ids FROM ledger")}


def it_keeps_its_ledger_by_itself():
    with Mtad("ledger") as m:
        c = Collector(m)
        with c:
            m.send("alice@demo.test")
            m.wait_mail("alice")
            wait_for("its end", lambda: m.events("msg.done"))
            today = int(time.strftime("%Y%m%d", time.gmtime()))
            # at each start, by itself
            wait_for("a row", lambda: noted(c.store).get(today, [1])[0] == 0,
                     30)
            c.run("ledger", "--note")  # the day goes on: not yet again
            assert noted(c.store)[today][1] <= 1
            m.kill_all()
            m.start()
            m.send("x@elsewhere.test")
            m.wait_remote(1)
            wait_for("its end", lambda: len({
                e["msg.id"] for e in m.events("msg.done")}) == 2)
            m.stop()
            same(c, m)
        assert c.totals()["completeness"]["unclean_starts"] == 1
        c.run("ledger", "--note")  # after a crash
        assert noted(c.store)[today] == (0, 2, ""), noted(c.store)
        # a delivery that is not there: said once, and kept
        lines = open(m.dir + "/log/events.000000000001.jsonl").readlines()
        with open(m.dir + "/unpaid", "w") as f:
            f.writelines(x for x in lines if '"dlv.ok"' not in x)
        c.store += "2"
        c.run("import", "--store", c.store, m.dir + "/unpaid")
        r = c.run("ledger", "--note", "--now", "--store", c.store)
        assert "do not balance" in r.stderr, r
        r = c.run("ledger", "--note", "--now", "--store", c.store)
        assert r.stderr == "", r
        (bad, _, ids), = noted(c.store).values()
        assert bad >= 1 and "(0 events)" in ids, ids
        t = c.totals("--store", c.store)["completeness"]
        assert t["imbalances"] == bad, t
        out = c.run("check", "--store", c.store).stdout
        assert "ledger: %d messages do not balance" % bad in out, out


def postfix(n):
    return "".join(
        "%sT10:00:%02d.000000+00:00 h.test postfix/smtp[7]: 3F2A%06X: "
        "to=<a%d@b.test>, relay=m.test[192.0.2.1]:25, delay=1, "
        "delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 ok)\n"
        % (day(), i % 60, i, i) for i in n)


def it_writes_as_the_one_who_owns_the_store():
    """What root imports the collector can go on with."""
    if not IS_ROOT:
        return
    with Mtad("owner") as m:
        store = m.dir + "/store"
        os.mkdir(store)
        shutil.chown(store, "nobody", "nogroup")
        m.write("mail.log", postfix(range(3)))
        os.chmod(m.dir + "/mail.log", 0o600)
        m.run("sbin/mtacollect", "import", "--store", store,
              m.dir + "/mail.log")
        uids = {os.stat(os.path.join(store, n)).st_uid
                for n in os.listdir(store)}
        assert uids == {os.stat(store).st_uid}, uids
        r = m.run("sbin/mtacollect", "import", "--store", store,
                  m.dir + "/none", check=False)
        assert r.returncode == 66 and "none: No such file" in r.stderr, r


def it_follows_a_mail_log_over_its_rotations():
    with Mtad("tail") as m:
        path = m.dir + "/mail.log"

        def write(n, end=""):
            with open(path, "a") as f:
                f.write(postfix(n) + end)

        def rotate(copy=False):
            if os.path.exists(path + ".1"):
                subprocess.run(["gzip", "-f", path + ".1"], check=True)
                os.rename(path + ".1.gz", path + ".2.gz")
            if copy:
                subprocess.run(["cp", "-p", path, path + ".1"], check=True)
                os.truncate(path, 0)
            else:
                os.rename(path, path + ".1")

        def has(n):
            wait_for("%d lines" % n, lambda: c.totals()["delivered"] >= n)
            assert c.totals()["delivered"] == n

        c = Collector(m, 'source "f" { Kind = "file" Path = "%s" }\n' % path)
        with c:
            write(range(10), "half a li")
            has(10)
            with open(path, "a") as f:
                f.write("ne\n")
            rotate()  # renamed
            write(range(10, 20))
            has(20)
            rotate(copy=True)  # copied and emptied
            write(range(20, 30))
            has(30)
            write(range(30, 40))
            c.stop(signal.SIGKILL)
        write(range(40, 50))  # rotated twice while nobody reads
        rotate()
        write(range(50, 60))
        rotate()
        write(range(60, 70))
        with c:
            has(70)
        t = c.totals()["completeness"]
        assert t["unparsed"] == 1, t  # the half line, when it was whole
        rotate()
        os.unlink(path + ".1")
        write(range(70, 80))
        with c:
            has(80)
        t = c.totals()["completeness"]  # the file that went may have had more
        assert t["lost"] == 1 and not t["complete"], t
        c.check()


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


def it_joins_lines_over_a_restart():
    with Mtad("joins") as m:
        lines = POSTFIX.splitlines(True)
        for cut in range(3, len(lines)):  # before, nothing is stored
            path = "%s/mail%d.log" % (m.dir, cut)
            c = Collector(m, 'RoundRobin = "no"\n'
                          'source "f" { Kind = "file" Path = "%s" }\n' % path)
            c.store += str(cut)
            c.conf += str(cut)
            m.write("mtacollect.conf" + str(cut), open(
                m.dir + "/mtacollect.conf").read().replace(
                    '/store"', '/store%d"' % cut))
            m.write("mail%d.log" % cut, "".join(lines[:cut]))
            with c:
                wait_for("the first part", lambda: any(
                    len("".join(lines[:cut])) in places(c.store, n)
                    for n in os.listdir(c.store)))
                c.stop(signal.SIGKILL)
            if cut % 2:  # and rotated meanwhile
                os.rename(path, path + ".1")
                m.write("mail%d.log" % cut, "".join(lines[cut:]))
            else:
                with open(path, "a") as f:
                    f.write("".join(lines[cut:]))
            with c:
                wait_for("the end", lambda: c.totals()["delivered"] == 2)
            t = c.totals()
            assert (t["received"], t["bytes_out"]) == (1, 1400), (cut, t)


def exported(entries):
    """Journal entries (t in us, program, pid, message) in the format of
    export, which systemd-journal-remote(8) makes files of."""
    out = b""
    for i, (t, prog, pid, text) in enumerate(entries):
        text = text if isinstance(text, bytes) else text.encode()
        fields = [("_HOSTNAME", b"mail.example.org"), ("PRIORITY", b"6"),
                  ("SYSLOG_FACILITY", b"2"), ("_PID", b"1"),
                  ("SYSLOG_IDENTIFIER", prog.encode()),
                  ("SYSLOG_PID", b"%d" % pid),
                  ("_SOURCE_REALTIME_TIMESTAMP", b"%d" % t)]
        if prog == "cron":
            fields[2] = ("SYSLOG_FACILITY", b"9")
        out += (b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n"
                b"_BOOT_ID=%032x\n" % (t, t - 1795000000000000, 7))
        for name, value in fields:
            out += name.encode() + b"=" + value + b"\n"
        out += b"MESSAGE\n" + len(text).to_bytes(8, "little") + text
        out += b"\n\n"
    return out


JOURNALS = "/lib/systemd/systemd-journal-remote"


def to_journal(path, entries):
    subprocess.run([JOURNALS, "-o", path, "-"], input=exported(entries),
                   check=True, capture_output=True)
    if IS_ROOT:  # as journald leaves them: its group reads
        os.chmod(path, 0o640)
        shutil.chown(path, "root", "mtaadmin")


def postfix_entries():
    """What Postfix wrote, a millisecond after the other where it was the same
    second; and between it lines of others."""
    out = []
    with open(os.path.join(HERE, "..", "data", "foreign",
                           "postfix.log")) as f:
        for i, line in enumerate(f):
            _, prog, pid, text = re.match(
                r"\w+ +\d+ [\d:]+ (\S+) ([^\[ ]+)\[(\d+)\]: (.*)\n",
                line).groups()
            t = calendar.timegm(time.strptime(
                day(form="%Y ") + line[:15], "%Y %b %d %H:%M:%S")) * 1000000
            t = max(t, out[-1][0] + 1000) if out else t
            out.append((t, prog, int(pid), text))
            if i % 50 == 0:
                out.append((t + 1, "cron", 9, "nobody asks"))
    return out


def it_reads_the_journal():
    if not os.path.exists(JOURNALS):
        return
    with Mtad("journal") as m:
        folder = m.dir + "/journal"
        entries = postfix_entries()
        whole = Collector(m)
        shutil.copy(os.path.join(HERE, "..", "data", "foreign",
                                 "postfix.log"), m.dir + "/mail.log")
        whole.run("import", m.dir + "/mail.log")
        want = whole.totals()
        del want["events"]  # mtad's own are beside them
        for key in ("guessed_times", "late"):  # known; but told live
            del want["completeness"][key]
        c = Collector(m, 'RoundRobin = "no"\n'
                      'source "j" { Kind = "journald" Path = "%s" }\n'
                      % folder, user="mtamon" if IS_ROOT else "")
        c.store = m.dir + "/of-journal"
        m.write("mtacollect.conf", open(c.conf).read().replace(
            '/store"', '/of-journal"'))
        with c:  # there is no folder yet
            os.mkdir(folder)
            os.chmod(folder, 0o755)
            pieces = [entries[i:i + 60] for i in range(0, len(entries), 60)]
            for i, piece in enumerate(pieces):
                # rotated every third time
                to_journal("%s/system%02d.journal" % (folder, i // 3), piece)
                if i % 2:
                    n = sum(p[1] != "cron" for p in sum(pieces[:i + 1], []))
                    if i % 4 == 1:  # killed anywhere
                        wait_for("entries", lambda: taken(c.store) > n - 60)
                    else:
                        wait_for("entries", lambda: taken(c.store) == n)
                    c.stop(signal.SIGKILL)
                    c.start()
            n = sum(p[1] != "cron" for p in entries)
            wait_for("all entries", lambda: taken(c.store) == n)
            got = c.totals()
            assert want == {k: got[k] if k != "completeness" else {
                k: got["completeness"][k] for k in want["completeness"]}
                for k in want}, (got, want)
            # bytes of any kind are one line; a gap is said once
            t = entries[-1][0] + 1000
            to_journal(folder + "/system90.journal", [
                (t, "postfix/smtp", 1, b"what\0 is\nthis? \xff")])
            wait_for("the line", lambda: taken(c.store) == n + 1)
        for name in os.listdir(folder):
            os.unlink(folder + "/" + name)
        to_journal(folder + "/system91.journal", [
            (t + 1, "postfix/smtp", 1, "8F31D37: " + SENT)])
        os.unlink(folder + "/system91.journal")  # unread
        for i in range(2):
            to_journal(folder + "/system92.journal", [
                (t + 2 + i, "postfix/smtp", 1, "9F31D3%d: " % i + SENT)])
            with c:
                wait_for("what is left", lambda: c.totals()["delivered"] ==
                         want["delivered"] + 1 + i)
        lost = c.totals()["completeness"]
        assert (lost["lost"], lost["unparsed"], lost["complete"]) == (
            1, want["completeness"]["unparsed"] + 1, False), lost
        c.check()


SENT = ("to=<a@b.test>, relay=m.test[192.0.2.1]:25, delay=1, delays=0/0/0/1, "
        "dsn=2.0.0, status=sent (250 ok)")


def taken(store):
    """How many entries of the journal are stored."""
    return max((n for name in os.listdir(store)
                for n in places(store, name, "%;b=%")), default=0)


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


def it_says_how_it_counts_otherwise_than_pflogsumm():
    """mtacollect(8) explains each difference."""
    with Mtad("pflogsumm") as m:
        c = Collector(m)
        m.write("mail.log", POSTFIX + """\
DAY 10:00:00 h postfix/smtpd[5]: 3F0011: client=c.test[192.0.2.9]
DAY 10:00:00 h postfix/smtpd[5]: 3F0011: hold: RCPT from c.test[192.0.2.9]\
: <c.test[192.0.2.9]>: Client host triggers HOLD action; from=<a@b.test> \
to=<x@y.test> proto=ESMTP helo=<c.test>
DAY 10:00:00 h postfix/cleanup[6]: 3F0011: message-id=<11@b.test>
DAY 10:00:04 h postfix/postsuper[9]: 3F0009: placed on hold
DAY 10:00:01 h postfix/smtpd[5]: 3F0012: client=c.test[192.0.2.9]
DAY 10:00:01 h postfix/cleanup[6]: 3F0012: message-id=<12@b.test>
DAY 10:00:01 h postfix/qmgr[7]: 3F0012: from=<a@b.test>, size=500, \
nrcpt=1 (queue active)
DAY 10:00:01 h postfix/discard[8]: 3F0012: to=<x@y.test>, relay=none, \
delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (y.test)
DAY 10:00:01 h postfix/qmgr[7]: 3F0012: removed
DAY 10:00:02 h postfix/smtpd[5]: 3F0013: client=c.test[192.0.2.9]
DAY 10:00:02 h postfix/cleanup[6]: 3F0013: message-id=<13@b.test>
DAY 10:00:02 h postfix/qmgr[7]: 3F0013: from=<a@b.test>, size=500, \
nrcpt=1 (queue active)
DAY 10:00:02 h postfix/cleanup[6]: 3F0014: message-id=<13@b.test>
DAY 10:00:02 h postfix/qmgr[7]: 3F0014: from=<a@b.test>, size=700, \
nrcpt=1 (queue active)
DAY 10:00:02 h postfix/local[8]: 3F0013: to=<x@h.test>, relay=local, \
delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (forwarded as 3F0014)
DAY 10:00:02 h postfix/qmgr[7]: 3F0013: removed
""".replace("DAY", day(form="%b %e")))
        c.run("import", m.dir + "/mail.log")
        t = c.totals()
        got = [t[k] for k in ("received", "delivered", "held", "discarded",
                              "bytes_out")]
        assert got == [4, 2, 2, 1, 1400], got
        if not shutil.which("pflogsumm"):
            return
        out = m.run(shutil.which("pflogsumm"), m.dir + "/mail.log").stdout
        for words in (" 4   received", " 3   delivered", " 1   forwarded",
                      " 1   held", " 0   discarded", " 1900   bytes del"):
            assert words in out, (words, out)


def syslog(name, text="hello", seq=1):
    return ('<22>1 %s h.test relay 7 %s [mtaev@32473 v="1" boot="b%s" '
            'seq="%d" msg.id="Q1" rcpt.id="0" rcpt_to="a@b.test" code="250"'
            ' text="%s"] words' % (time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                 time.gmtime()),
                                   name, text, seq, text)).encode()


def it_hears_syslog():
    with Mtad("syslog") as m:
        udp, tcp = free_port(), free_port()
        path = m.dir + "/log.sock"
        with Collector(m, """
source "u" { Kind = "udp" Port = %d }
source "t" { Kind = "tcp" Port = %d }
source "d" { Kind = "unix" Path = "%s" }
source "s" { Kind = "unixstream" Path = "%s.stream" }
""" % (udp, tcp, path, path)) as c:
            wait_for("sockets", lambda: os.path.exists(path + ".stream"))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(syslog("dlv.ok", "udp"), ("127.0.0.1", udp))
                s.sendto(b"\xff\x00 nothing known", ("127.0.0.1", udp))
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.sendto(syslog("dlv.ok", "unix"), path)
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path + ".stream")
                s.sendall(syslog("dlv.ok", "stream") + b"\n")
            with socket.create_connection(("127.0.0.1", tcp)) as s:
                one, two = syslog("dlv.ok", "counted"), syslog("dlv.ok",
                                                               "lined")
                s.sendall(b"%d %s%s\n" % (len(one), one, two))
                s.sendall(syslog("dlv.defer", "unended"))
            with socket.create_connection(("127.0.0.1", tcp)) as s:
                s.sendall(b"99999999 ")  # no length that anybody means
                s.settimeout(20)
                assert s.recv(1) == b""
            wait_for("all of them", lambda: c.totals()["delivered"] == 5)
            t = wait_for("the last", lambda: c.totals()["deferrals"] == 1 and
                         c.totals())
            assert t["completeness"]["unparsed"] == 1, t
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(postfix([0]).strip().encode(), ("127.0.0.1", udp))
            wait_for("a line of another mailer",
                     lambda: c.totals()["delivered"] == 6)
            for _ in range(2):  # who sent it, whatever it calls itself
                said = [json.loads(x) for x in c.trace(
                    "--since", "1d", "--host", "m.test",
                    "--json").splitlines()]
                assert len(said) == 1, said
                assert [(e["node"], e["via"]) for e in
                        said[0]["events"]] == [("h.test", "127.0.0.1")], said
                c.run("rebuild")


def it_hears_tls_from_known_clients():
    with Mtad("tls") as m:
        port = free_port()
        for who in ("server", "client", "stranger"):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-keyout", "%s/%s.key" % (m.dir, who), "-out",
                 "%s/%s.crt" % (m.dir, who), "-subj", "/CN=localhost",
                 "-days", "2"], check=True, capture_output=True)
        with Collector(m, """
source "t" { Kind = "tls" Port = %d Certificate = "%s/server.crt"
    Key = "%s/server.key" ClientCA = "%s/client.crt" }
""" % (port, m.dir, m.dir, m.dir)) as c:
            def say(who, text):
                one = syslog("dlv.ok", text)
                return subprocess.run(
                    ["openssl", "s_client", "-quiet", "-no_ign_eof",
                     "-connect", "127.0.0.1:%d" % port, "-cert",
                     "%s/%s.crt" % (m.dir, who), "-key",
                     "%s/%s.key" % (m.dir, who)],
                    input=b"%d %s" % (len(one), one), capture_output=True,
                    timeout=20)
            wait_for("an open port", lambda: say("client", "known") and
                     c.totals()["delivered"] >= 1)
            before = c.totals()["delivered"]
            say("stranger", "unknown")
            say("client", "after")
            wait_for("the next", lambda: c.totals()["delivered"] == before + 1)


def it_tells_a_messages_life():
    with Mtad("life") as m, Collector(m) as c:
        m.send("x@dead.test")
        m.sendmail("-f", "alice@demo.test", "nobody.here@demo.test",
                   input="Message-ID: <17@demo.test>\n\nx\n")
        m.send("x@elsewhere.test")
        m.wait_remote()
        wait_for("two attempts", lambda: len(m.events("dlv.defer")) > 1)
        try:
            m.send("zed@demo.test")
        except Exception:
            pass
        m.wait_mail("alice")
        m.stop()
        same(c, m)
        fail = m.events("dlv.fail")[0]
        out = c.trace("--msgid", "17@demo.test")
        assert out.startswith(fail["msg.id"] + " on mx.demo.test\n"), out
        assert "There is no such user here" in out and "in all" in out, out
        assert "notice failure about " + fail["msg.id"] in out, out
        assert c.trace("--id", fail["msg.id"]) == out
        out = c.trace("--to", "x@dead.test")
        assert "#1 to=" in out and "#2 to=" in out and "Deferred" in out, out
        remote = [e for e in m.events("dlv.ok") if "remote_id" in e][0][
            "remote_id"]
        assert "x@elsewhere.test" in c.trace("--remote-id", remote)
        assert "conn.reject" in c.trace("--to", "zed@demo.test")
        assert len(c.trace("--from", "friend@next.test").splitlines()) == 2
        assert len(c.trace("--since", "1h").splitlines()) == 4
        lives = [json.loads(line) for line in c.trace(
            "--id", fail["msg.id"], "--json").splitlines()]
        # what comes out is what was written, whatever the store made of it
        told = {(e["boot"], e["seq"]): e for life in lives
                for e in life["events"]}
        events = {(e["boot"], e["seq"]): e for e in m.events()}
        for key, e in told.items():
            want = dict(events[key])
            want.pop("mono_us")
            assert e == want, (e, want)
        assert len(lives) == 2 and len(told) >= 6
        assert c.trace("--id", "nothing", check=False) == ""


def drips(s):
    """One byte more. True: nobody takes it."""
    s.settimeout(0.2)
    try:
        s.sendall(b"G")
        return s.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def it_has_a_page_for_prometheus():
    def get(port, path, prefix=""):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (
                    port, prefix + path), timeout=10) as r:
                return r.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return ""

    with Mtad("metrics") as m:
        port = free_port()
        with Collector(m, 'MetricsPort = %d\nMetricsFile = "%s/x.prom"\n'
                       % (port, m.dir)) as c:
            text = wait_for("a page", lambda: get(port, "/metrics"))
            zero = 'mta_recipients_total{result="delivered",mailer="smtp"} '
            assert zero + "0" in text, text
            m.send(["x@elsewhere.test", "x@dead.test", "bob@demo.test"])
            m.wait_remote()
            wait_for("a deferral", lambda: m.events("dlv.defer"))
            wait_for("one delivered", lambda: zero + "1" in get(
                port, "/metrics"))
            wait_for("a snapshot", lambda: 'queue_messages{state="deferred"'
                     '} 1' in get(port, "/metrics"), 70)
            text = get(port, "/metrics")
            assert 'queue_recipients{state="deferred"} 1' in text, text
            assert 'queue_recipients{state="held"} 0' in text, text
            assert 'stage_seconds_count{stage="final"} 2' in text, text
            assert ".test" not in text, text
            assert get(port, "/live") == get(port, "/ready") == "OK\n"
            assert get(port, "/else") == ""
            for bad in (b"PUT / HTTP/1.1\r\n\r\n", b"\r\n\r\n",
                        b"x" * 5000):
                with socket.create_connection(("127.0.0.1", port)) as s:
                    s.sendall(bad)
                    s.settimeout(20)
                    try:
                        while s.recv(4096):
                            pass
                    except ConnectionResetError:
                        pass  # too long to be read at all
            # who drips is sent away after ten seconds in all
            with socket.create_connection(("127.0.0.1", port)) as s:
                wait_for("its end", lambda: drips(s), 15)
            with open(m.dir + "/x.prom") as f:
                assert "mta_recipients_total" in f.read()
            if not shutil.which("promtool"):
                return
            r = subprocess.run(["promtool", "check", "metrics"], input=text,
                               text=True, capture_output=True)
            assert r.returncode == 0 and not r.stderr, r.stderr + r.stdout
            web = free_port()
            m.write("prometheus.yml", "scrape_configs:\n- job_name: mta\n"
                    "  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
                    "  static_configs: [{targets: ['127.0.0.1:%d']}]\n"
                    % port)
            with open(m.dir + "/prometheus.out", "w") as out:
                prom = subprocess.Popen(
                    ["prometheus", "--config.file=" + m.dir +
                     "/prometheus.yml", "--storage.tsdb.path=" + m.dir +
                     "/tsdb", "--web.listen-address=127.0.0.1:%d" % web],
                    stdout=out, stderr=out)
            try:
                wait_for("a scrape", lambda: '"1"]' in get(
                    web, "?query=mta_recipients_total%7Bresult=%22delivered"
                    "%22,mailer=%22smtp%22%7D", "/api/v1/query"), 30)
            finally:
                prom.terminate()
                prom.wait()


def fetched(store, name, how="AVERAGE", step=60):
    """{end of step as HH:MM: {source: value or None}} of the day."""
    out = subprocess.run(
        ["rrdtool", "fetch", "%s/rrd/%s.rrd" % (store, name), how, "-r",
         str(step), "-s", str(MIDNIGHT), "-e", str(MIDNIGHT + 86340)], check=True,
        capture_output=True, text=True).stdout.splitlines()
    names, steps = out[0].split(), {}
    for line in out[2:]:
        t, values = line.split(":")
        steps[time.strftime("%H:%M", time.gmtime(int(t)))] = {
            k: None if "nan" in v else float(v)
            for k, v in zip(names, values.split())}
    return steps


def minutes_of_postfix(minutes):
    return "".join(
        "%sT%02d:%02d:07.000000+00:00 h.test postfix/%s[7]: 3F%06X: "
        "to=<a@b.test>, relay=m.test[192.0.2.1]:25, delay=%d, "
        "delays=0/0/0/%d, dsn=%s, status=%s (250 2.0.0 ok)\n"
        % (day(), 10 + m // 60, m % 60, "smtp" if i else "local", m * 10 + i, i, i,
           "2.0.0" if i < 4 else "4.0.0", "sent" if i < 4 else "deferred")
        for m in minutes for i in range(5))


def minutes_of_mtad(minutes, without=()):
    """A line a minute, and what the queue holds, with numbers."""
    out, seq = "", 0
    for m in minutes:
        for event, more in (
                ("dlv.ok", '"msg.id":"Q%d","rcpt.id":0,"mailer":"smtp"' % m),
                ("queue.snapshot", '"count":%d,"size_bytes":9,"oldest":"%sT'
                 '09:59:00.000000Z","queue":[{"queue":"held",'
                 '"count":%d}]' % (m, day(), m))):
            seq += 1
            if seq not in without:
                out += ('{"v":1,"event":"%s","time":"%sT10:%02d:30.0000'
                        '00Z","mono_us":%d,"node":"n.test","prog":"queue",'
                        '"instance":"i","severity":6,"pid":7,"boot":"b","seq":%d,%s}\n'
                        % (event, day(), m, seq, seq, more))
    return out


def it_draws_what_it_counted():
    with Mtad("draw") as m:
        c = Collector(m)

        def take(text):
            m.write("mail.log", text)
            c.run("import", m.dir + "/mail.log")

        def drawn():
            return {n: fetched(c.store, n) for n in (
                "flow", "flow-smtp", "flow-local", "queue")} | {
                n: fetched(c.store, n, "LAST", 300) for n in (
                    "stages", "stages-smtp")}

        take(minutes_of_postfix(range(0, 30)))
        assert "30 minutes drawn" in c.run("rrd").stdout
        take(minutes_of_postfix([35] + list(range(60, 90))))
        assert "36 minutes drawn" in c.run("rrd").stdout
        t, once = c.totals(), drawn()
        for name in ("delivered", "deferrals", "events", "rejected"):
            assert t[name] == round(sum(
                v[name] * 60 for v in once["flow"].values()
                if v[name] is not None)), name
        assert t["delivered"] > 0 and t["deferrals"] > 0
        # quiet for a while: nothing happened; for long: nobody knows
        flow = once["flow"]
        assert flow["10:00"]["delivered"] is None
        assert round(flow["10:01"]["delivered"] * 60) == 4
        assert flow["10:32"]["delivered"] == 0
        for hole in ("10:37", "10:50", "11:00"):
            assert flow[hole]["delivered"] is None, hole
        assert round(once["flow-local"]["11:01"]["delivered"] * 60) == 1
        assert round(once["flow-smtp"]["11:01"]["delivered"] * 60) == 3
        assert once["queue"]["10:20"]["held"] is None
        assert round(once["stages"]["10:05"]["total_p99"], 1) == 4
        assert round(once["stages"]["10:05"]["total_p50"], 1) == 2
        assert once["stages"]["10:50"]["total_p50"] is None
        # again, and anew, is the same
        assert "0 minutes drawn" in c.run("rrd").stdout
        assert drawn() == once
        assert "66 minutes drawn" in c.run("rrd", "--remake").stdout
        assert drawn() == once
        # what comes for a time that is drawn is counted until then
        take(minutes_of_postfix([1]).replace(": 3F", ": 4F"))
        for _ in range(2):
            assert "; 5 events came" in c.run("rrd").stdout
        assert "came" not in c.run("rrd", "--remake").stdout
        assert round(drawn()["flow"]["10:02"]["delivered"] * 60) == 8


def it_draws_no_minute_of_which_something_is_missing():
    with Mtad("holes") as m:
        c = Collector(m)
        m.write("events", minutes_of_mtad(range(30), without=(11, 12, 33)))
        c.run("import", m.dir + "/events")
        c.run("rrd")
        flow, queue = fetched(c.store, "flow"), fetched(c.store, "queue")
        unknown = [t for t in sorted(flow) if "10:00" < t <= "10:30" and
                   flow[t]["delivered"] is None]
        # numbers 11 and 12 were of 10:05, 33 of 10:16
        assert unknown == ["10:05", "10:06", "10:07", "10:16", "10:17"], (
            unknown)
        assert queue["10:09"]["held"] == 8, queue["10:09"]
        assert queue["10:09"]["oldest"] == 600
        assert queue["10:06"]["held"] == 4  # what it said a minute before
        m.write("late", minutes_of_mtad(range(30)))
        c.run("import", m.dir + "/late")
        c.run("rrd", "--remake")
        flow = fetched(c.store, "flow")
        assert all(round(flow["10:%02d" % i]["delivered"] * 60) == 1
                   for i in range(1, 31))


def mail_to(domain, hour, n, of=0):
    return "".join(
        "%sT%02d:%02d:07.000000+00:00 h.test postfix/smtp[7]: 4A%06X: "
        "to=<a@%s>, relay=m.test[192.0.2.1]:25, delay=1, delays=0/0/0/1, "
        "dsn=2.0.0, status=sent (250 ok)\n"
        % (day(of), hour, i % 60, hour * 1000 + i, domain) for i in range(n))


def it_draws_the_destinations_of_most_mail():
    with Mtad("top") as m:
        c = Collector(m)

        def take(text):
            m.write("mail.log", text)
            c.run("import", m.dir + "/mail.log")
            c.run("rrd")

        def files():
            return sorted(n[3:-4] for n in os.listdir(c.store + "/rrd")
                          if n.startswith("to-"))

        def drawn():
            return {n: fetched(c.store, "to-" + n, step=3600)
                    for n in files()}

        # 20 domains, and one whose name is no file's
        text = "".join(mail_to("d%02d.test" % i, 8, 30 - i) for i in range(20))
        take(text + mail_to("../../x", 8, 50) + mail_to("late.test", 9, 1))
        assert files() == ["d%02d.test" % i for i in range(16)], files()
        take(mail_to("late.test", 10, 40) + mail_to("d03.test", 10, 2))
        once = drawn()
        # it has its hours from before; who was the sixteenth has gone
        assert files() == ["d%02d.test" % i for i in range(15)] + [
            "late.test"], files()
        for name, hour, n in (("late.test", "10:00", 1), ("late.test", "11:00",
                              40), ("d03.test", "09:00", 27), ("d03.test",
                              "10:00", 0), ("d03.test", "11:00", 2)):
            assert round(once[name][hour]["delivered"] * 3600) == n, (
                name, hour, once[name][hour])
        assert once["d03.test"]["12:00"]["delivered"] is None
        c.run("rrd", "--remake")
        assert drawn() == once
        # the days go, their hours stay
        m.write("mail.log", mail_to("d03.test", 8, 3, of=1))
        c.run("import", m.dir + "/mail.log")
        m.write("keep.conf", open(c.conf).read() +
                'KeepTime = "1d"\nKeepMessagesTime = "1d"\n')
        conf, c.conf = c.conf, m.dir + "/keep.conf"
        with c:
            wait_for("one day less", lambda: not os.path.exists(
                c.store + file_of()))
        c.conf = conf
        c.run("rrd", "--remake")
        assert drawn() == once
        # and how long stages took, by the hour
        stages = fetched(c.store, "stages-smtp", "LAST", 300)
        assert stages["08:00"]["total_p50"] is None
        for t in ("08:05", "08:35", "09:00", "10:55", "11:00"):
            assert round(stages[t]["total_p50"], 1) == 1, (t, stages[t])
        assert stages["11:05"]["total_p50"] is None


def it_keeps_what_became_of_old_messages():
    """Events of old days go: what is counted, drawn and found stays."""
    with Mtad("lean") as m:
        c = Collector(m, 'KeepTime = "1d"\nKeepMessagesTime = "3650d"\n')
        m.write("mail.log", minutes_of_postfix(range(90)) + "a line?\n" +
                mail_to("x.test", 9, 1, of=1))
        m.write("events", minutes_of_mtad(range(30), without=(11, 12, 33)))
        c.run("import", m.dir + "/mail.log", m.dir + "/events")

        def drawn():
            c.run("rrd", "--remake")
            return {n: fetched(c.store, n) for n in (
                "flow", "flow-smtp", "queue")} | {
                "stages": fetched(c.store, "stages", "LAST", 300)}

        def ask(sql):
            with contextlib.closing(sqlite3.connect(
                    "file:%s?mode=ro" % (c.store + file_of()),
                    uri=True)) as db:
                return db.execute(sql).fetchone()[0]

        totals, once, said = c.totals(), drawn(), c.run("check").stdout
        size = os.path.getsize(c.store + file_of())
        messages = ask("SELECT count(*) FROM msg")
        assert "stat=Sent" in c.trace("--id", "3F0000A1")
        c.run("tidy")
        # the edges of the two holes, and of all
        assert ask("SELECT count(*) FROM ev") == 6
        assert ask("SELECT count(*) FROM msg") == messages
        assert os.path.getsize(c.store + file_of()) < size
        assert c.totals() == totals and drawn() == once
        assert "without the events of mail" in c.check()
        assert [x for x in said.splitlines() if "missing" in x] == [
            x for x in c.check().splitlines() if "missing" in x]
        out = c.trace("--id", "3F0000A1")
        for words in ("its events are gone", "to=<a@b.test>, delivered",
                      "relay=m.test [192.0.2.1]", ", 1 try\n"):
            assert words in out, out
        out = json.loads(c.trace("--id", "3F0000A1", "--json"))
        assert out["events"] == [] and out["summaries"][0]["recipients"][0][
            "state"] == "delivered", out
        assert file_of()[1:] + ": left as it is" in c.run("rebuild").stdout
        c.run("import", m.dir + "/events")  # again, and the holes
        assert c.totals() == totals
        m.write("late", minutes_of_mtad(range(30)))
        c.run("import", m.dir + "/late")
        t = c.totals()
        assert t["events"] == totals["events"] + 3, t
        assert t["completeness"]["missing"] == 0, t
        c.check()
        c.run("tidy")
        assert ask("SELECT count(*) FROM ev") == 2
        assert c.totals() == t
        c.check()


def it_loses_nothing_when_a_day_becomes_lean():
    """Lines still come for the day, and who does it is killed anywhere."""
    rng = random.Random(8)
    with Mtad("leaner") as m:
        path = m.dir + "/mail.log"
        m.write("mail.log", mail_to("y.test", 9, 1, of=1))
        c = Collector(m, 'KeepTime = "1d"\nKeepMessagesTime = "3650d"\n'
                      'RoundRobin = "no"\n'
                      'source "f" { Kind = "file" Path = "%s" }\n' % path)

        def ask(sql):
            with contextlib.closing(sqlite3.connect(
                    "file:%s?mode=ro" % (c.store + file_of()),
                    uri=True)) as db:
                return db.execute(sql).fetchone()[0]

        with c:
            for i in range(16):
                with open(path, "a") as f:
                    f.write(mail_to("x.test", i, 300))
                p = subprocess.Popen(
                    [m.prefix + "/sbin/mtacollect", "tidy", "-c", c.conf])
                try:
                    p.wait(timeout=rng.random() * 0.15)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
            wait_for("all lines",
                     lambda: c.totals()["delivered"] == 16 * 300 + 1)
            wait_for("no events", lambda: c.run("tidy") and
                     not ask("SELECT count(*) FROM ev"))
            assert ask("SELECT count(*) FROM rcpt WHERE state = 1") == 4800
            with open(path, "a") as f:
                f.write(mail_to("x.test", 20, 5))
            wait_for("more", lambda: c.totals()["delivered"] == 4806)
        c.check()


def it_draws_what_mail_has_of_its_host():
    with Mtad("host") as m:
        c = Collector(m)
        m.write("mail.log", mail_to("a.test", 8, 1))
        c.run("import", m.dir + "/mail.log")
        c.run("rrd", "--note")
        with contextlib.closing(sqlite3.connect(
                c.store + "/catalog.db")) as db:
            row, = db.execute("SELECT load, memory, store_free FROM resource")
            # mtad's processes are more than a megabyte
            assert row[0] is not None and row[1] > 1e6 and row[2] > 1e6, row
            begin = (MIDNIGHT + 9 * 3600) * 1000000
            db.execute("UPDATE resource SET t = ?", (begin,))
            db.commit()
            c.run("rrd", "--remake")
            db.executemany("INSERT INTO resource(t, load) VALUES(?, ?)", [
                (begin + i * 60000000, i) for i in (1, 2, 5)])
            db.commit()
        c.run("rrd")
        once = fetched(c.store, "resources")
        assert round(once["09:01"]["memory"] / row[1], 6) == 1
        assert once["09:02"]["load"] == 1 and once["09:03"]["load"] == 2
        assert once["09:02"]["memory"] is once["09:04"]["load"] is None
        assert once["09:06"]["load"] == 5
        c.run("rrd", "--remake")
        assert fetched(c.store, "resources") == once


def it_draws_while_it_runs():
    with Mtad("paint") as m:
        path = m.dir + "/mail.log"
        m.write("mail.log", minutes_of_postfix(range(30)))
        with Collector(m, 'source "f" { Kind = "file" Path = "%s" }\n'
                       % path) as c:
            wait_for("files", lambda: os.path.exists(
                c.store + "/rrd/flow.rrd") and round(sum(
                    v["delivered"] * 60
                    for v in fetched(c.store, "flow").values()
                    if v["delivered"] is not None)) == 120, 80)
        assert c.totals()["delivered"] == 120
        c = Collector(m, 'RoundRobin = "maybe"\n')
        assert "yes|no" in c.run("totals", check=False).stderr


def in_files(store, word, name=file_of()[1:-3]):
    """Bytes of a day, or all: rows, free pages, logs, copies."""
    out = 0
    for file in os.listdir(store):
        if file.startswith(name):
            with contextlib.suppress(OSError):
                with open(store + "/" + file, "rb") as f:
                    out += f.read().lower().count(word.encode())
    return out


def it_forgets_peoples_names():
    with Mtad("privacy") as m:
        path = m.dir + "/mail.log"
        lines = POSTFIX.replace("a@b.test", "zebedee@b.test").replace(
            "<y@y.test>", "<florence@y.test>").replace(
                "status=sent (250 ok)",
                "status=bounced (550 no florence, says Zebedee@b.test)",
                1).replace("status=sent (250 ok)", "status=bounced (550 no)")
        m.write("mail.log", lines + lines.replace("3F0001", "3F0002").replace(
            day(form="%b %e"), day(1, "%b %e")))
        c = Collector(m, 'Privacy = "hash"\nPrivacyTime = "1s"\n'
                      'source "f" { Kind = "file" Path = "%s" }\n' % path)

        def hidden(word):
            """Names are hidden two seconds after a start."""
            with c:
                wait_for("the file", lambda: any(
                    os.path.getsize(path) in places(c.store, n)
                    for n in os.listdir(c.store)))
                wait_for("no " + word, lambda: not in_files(c.store, word) and
                         not [n for n in os.listdir(c.store) if "ready" in n])
                c.stop(signal.SIGKILL)

        hidden("zebedee")
        assert not in_files(c.store, "florence")
        before = c.totals()
        assert before["bounced"] == 4 and before["received"] == 2, before
        # found by who knows the name; joined within a month
        for args in (("--from", "Zebedee@b.test"), ("--to",
                                                    "florence@y.test")):
            out = c.trace(*args)
            assert "zebedee" not in out and "florence" not in out, out
            assert len([x for x in out.splitlines() if "3F000" in x]) == 2, out
        # what comes later for that day goes, too
        with open(path, "a") as f:
            f.write(lines.replace("3F0001", "3F0003").replace(
                "zebedee", "dougal"))
        hidden("dougal")
        t = c.totals()
        assert t["bounced"] == 6, t
        # one person's is erased everywhere, at once
        with open(path, "a") as f:
            f.write(lines.replace("3F0001", "3F0004").replace(
                "florence", "ermintrude").replace(day(form="%b %e"), time.strftime(
                    "%b %d", time.gmtime())))
        c = Collector(m, 'source "f" { Kind = "file" Path = "%s" }\n' % path)
        with c:
            wait_for("the file", lambda: c.totals()["bounced"] == 8)
            assert in_files(c.store, "ermintrude", "")
            before = c.totals()
            c.run("erase", "Ermintrude@y.test")
            assert not in_files(c.store, "ermintrude", "")
            after = c.totals()
            before["events"] = after["events"]  # mtad goes on
            assert after == before, (before, after)
            with open(path, "a") as f:  # and so does the collector
                f.write(lines.replace("3F0001", "3F0005"))
            wait_for("more", lambda: c.totals()["bounced"] == 10)
        assert c.trace("--to", "ermintrude@y.test", check=False) == ""
        c.check()


def it_loses_nothing_when_a_day_is_made_anew():
    """Names go from a day that lines still come for, and who does it is
    killed anywhere."""
    rng = random.Random(7)
    with Mtad("anew") as m:
        path = m.dir + "/mail.log"
        m.write("mail.log", mail_to("y.test", 9, 1, of=1))
        c = Collector(m, 'Privacy = "hash"\nPrivacyTime = "1s"\n'
                      'RoundRobin = "no"\n'
                      'source "f" { Kind = "file" Path = "%s" }\n' % path)
        with c:
            for i in range(16):
                with open(path, "a") as f:
                    f.write(mail_to("x.test", i, 300).replace(
                        "<a@", "<zebedee%d@" % i))
                p = subprocess.Popen(
                    [m.prefix + "/sbin/mtacollect", "privacy", "-c", c.conf])
                try:
                    p.wait(timeout=rng.random() * 0.15)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
            wait_for("all lines",
                     lambda: c.totals()["delivered"] == 16 * 300 + 1)
            wait_for("no names", lambda: c.run("privacy") and
                     not in_files(c.store, "zebedee"))
            with open(path, "a") as f:
                f.write(mail_to("x.test", 20, 5))
            wait_for("more", lambda: c.totals()["delivered"] == 4806)
        c.check()


def status(pid):
    """{name: value} of /proc; {} when it is gone."""
    with contextlib.suppress(OSError):
        with open("/proc/%d/status" % pid) as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f
                        if ":\t" in line)
    return {}


def it_gives_up_what_it_does_not_need():
    with Mtad("sandbox") as m, Collector(
            m, user="mtamon" if IS_ROOT else "") as c:
        own = wait_for("the filter", lambda: (
            lambda s: s.get("Seccomp") == "2" and s)(status(c.proc.pid)))
        assert own["NoNewPrivs"] == "1" and own["CapEff"].strip("0") == "", own
        if IS_ROOT:
            assert own["Uid"].split() == [str(pwd.getpwnam(
                "mtamon").pw_uid)] * 4, own
        helper, = [pid for pid, _, parent in processes()
                   if parent == c.proc.pid]
        assert status(helper)["NoNewPrivs"] == "1"
        assert status(helper)["CapEff"] == own["CapEff"]
        # one ends with the other
        os.kill(helper, signal.SIGKILL)
        assert c.proc.wait(timeout=20) == 74
        c.proc = None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(m.dir + "/notify")
            os.chmod(m.dir + "/notify", 0o777)
            s.settimeout(20)
            c.start(NOTIFY_SOCKET=m.dir + "/notify")
            assert s.recv(100) == b"READY=1"
        helper, = wait_for("another", lambda: [
            pid for pid, _, parent in processes() if parent == c.proc.pid])
        c.stop(signal.SIGKILL)
        wait_for("its end", lambda: not status(helper) or
                 status(helper)["State"][0] == "Z")


def it_says_what_is_wrong_with_its_configuration():
    with Mtad("conf") as m:
        c = Collector(m, 'source "x" { Kind = "pigeon" }\n'
                      'source "y" { Kind = "unix" }\n')
        r = c.run("totals", check=False)
        assert r.returncode == 78, r
        assert "'pigeon' is not right: it takes events|" in r.stderr, r.stderr
        assert 'source "y": Kind unix needs a Path' in r.stderr, r.stderr
        c = Collector(m, "Colour = 3\n")
        assert "no such option 'Colour'" in c.run(
            "totals", check=False).stderr


if __name__ == "__main__":
    stories(sys.modules[__name__])
