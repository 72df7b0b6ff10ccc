#!/usr/bin/env python3
"""mtacollect beside a real mtad: every event is there, once."""
import calendar
import contextlib
import json
import os
import pwd
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
from collector import POSTFIX, Collector, day, places  # noqa: E402
from mtad import (HERE, IS_ROOT, Mtad, free_port, processes,  # noqa: E402
                  stories, wait_for)


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
