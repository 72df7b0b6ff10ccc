#!/usr/bin/env python3
"""What the man pages say, tried on the real programs; and the programs that
call sendmail, as they call it."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import event_man  # noqa: E402
from mtad import IS_ROOT, Mtad, stories, wait_for  # noqa: E402

LETTER = "Subject: x\n\nx\n"


def page(name):
    with open(os.path.join(TOP, "share/man", name)) as f:
        return f.read()


class Control:
    """The control socket, as mta-control(7) describes it."""

    def __init__(self, m):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(m.dir + "/run/control")
        self.lines = self.sock.makefile("rb")

    def ask(self, op, **fields):
        """Rows, and the last object."""
        request = json.dumps(dict(fields, v=1, op=op)) + "\n"
        self.sock.sendall(request.encode())
        rows = []
        while True:
            row = json.loads(self.lines.readline())
            rows.append(row)
            if row.get("done"):
                return rows
            if op in ("queue.cat", "queue.export") and "bytes" in row:
                self.body = self.lines.read(row["bytes"])
            if op == "subscribe" and len(rows) == 2:
                return rows


def keys(value):
    """All names in an object of objects and lists."""
    if isinstance(value, list):
        return set().union(*map(keys, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return set(value).union(*map(keys, value.values()))


def it_answers_every_request():
    text = page("mta-control.7")
    words = set(re.findall(r"[\w.]+", " ".join(re.findall(
        r"^\.(?:It )?Cm (.*)$", text, re.M)))) | {"done", "error"}
    counters = {c[1] for c in event_man.rows(
        os.path.join(TOP, "lib/stat.def"), "COUNTER")}
    with Mtad("control") as m:
        m.send(["x@dead.test", "y@dead.test"])
        wait_for("a deferral", lambda: len(m.events("dlv.defer")) == 2)
        c = Control(m)
        ident = c.ask("queue.list", limit=1)[0]["id"]
        for op, fields in (
                ("status", {}), ("queue.list", {"filter": "to:x@"}),
                ("queue.list", {"order": "next", "limit": 1,
                                "reverse": True}),
                ("queue.list", {"as": "mailq"}), ("queue.show", {"id": ident}),
                ("queue.export", {"id": ident}), ("queue.cat", {"id": ident}),
                ("queue.why", {"id": ident}),
                ("queue.hold", {"filter": "to:x@", "dry": True}),
                ("queue.hold", {"filter": "to:x@", "why": "test"}),
                ("queue.release", {"filter": "state:held"}),
                ("queue.retry", {"filter": "age>0s"}),
                ("queue.delete", {"filter": "age>0s", "progress": True}),
                ("queue.shape", {}), ("hosts.list", {
                    "limit": 1, "order": "fails"}),
                ("queue.list", {}), ("queue.undo", {"undo": 4}),
                ("hosts.list", {}), ("hosts.pause", {"host": "*"}),
                ("hosts.resume", {"host": "*"}), ("hosts.retry",
                                                  {"host": "*"}),
                ("hosts.forget", {"host": "*"}),
                ("delivery.hold", {"why": "test"}), ("delivery.release", {}),
                ("route", {"address": "a@b.c"}), ("reload", {}),
                ("clock.accept", {}), ("log.rotate", {}), ("subscribe", {}),
                ("queue.bounce", {"filter": "age>0s"})):
            rows = c.ask(op, **fields)
            assert "error" not in rows[-1], (op, rows)
            unknown = keys(rows) - words - counters
            assert not unknown, (op, unknown)
            if op == "queue.export":
                envelope = rows[0]
        assert c.body.endswith(b"Subject: x\r\n\r\nx\r\n"), c.body
        again = json.dumps({"op": "queue.import", "envelope": envelope,
                            "bytes": 1}) + "\nx"
        for request, error in ((again, "in the queue already"), ("{}", '"op"'), ("no", '"op"'),
                               ('{"op":"fly"}', "no such operation"),
                               ('{"v":2,"op":"status"}', "version 1"),
                               ('{"op":"queue.show","id":"x"}', "not in"),
                               ('{"op":"queue.list","filter":"colour:red"}',
                                "terms are"),
                               ('{"op":"queue.stop","undo":1}', "is over"),
                               ('{"op":"queue.list","order":"moon"}',
                                "no order"),
                               ('{"op":"hosts.pause","host":"nowhere"}',
                                "hosts list")):
            c.sock.sendall((request + "\n" * (request != again)).encode())
            row = json.loads(c.lines.readline())
            while not row.get("done"):  # subscribed, above
                row = json.loads(c.lines.readline())
            assert error in row["error"], (request, row)


def it_runs_every_command_of_mtactl():
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", subprocess.run(
        [os.environ["MTAD_PREFIX"] + "/bin/mtactl", "-h"],
        capture_output=True, text=True).stdout, re.M)
    assert len(commands) > 20, commands
    # arguments, and what the answer has
    args = {"status": ([], "taking and delivering"),
            "queue list": (["try>0"], "1 of 1 messages"),
            "queue show": (["ID"], "x@dead.test"),
            "queue cat": (["ID"], "Subject: x"),
            "queue why": (["ID"], "because"),
            "queue hold": (["-y", "to:@dead.test"], "1 of 1"),
            "queue release": (["state:held", "-y"], "1 of 1"),
            "queue retry": (["ID", "-y"], "1 of 1"),
            "queue delete": (["size<1MB", "-y"], "queue undo"),
            "queue bounce": (["from:@next.test", "-y"], "1 of 1"),
            "queue export": (["OUT", "try>0"], "1 messages exported"),
            "hosts list": (["127"], "last ok"),
            "hosts show": (["[127.0.0.1]:1"], "queued"),
            "hosts forget": (["[127.0.0.1]:1"], "1 destination changed"),
            "hosts pause": (["[127.0.0.1]:1"], "1 destination changed"),
            "hosts resume": (["[127.0.0.1]:1"], "1 destination changed"),
            "hosts retry": (["smtp:[127.0.0.1]:1"], "1 destination changed"),
            "delivery hold": (["a", "test"], ""),
            "delivery release": ([], ""),
            "route": (["a@dead.test"], "smtp:[127.0.0.1]:1"),
            "config check": ([], "right"),
            "config show": (["maxhopcount"], "MaxHopCount = 25  # default"),
            "reload": ([], ""), "clock accept": ([], ""),
            "log rotate": ([], ""), "upgrade": ([], "")}
    with Mtad("commands") as m:
        m.send("x@dead.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        ident = m.queue()[0]["id"]
        undo = None
        assert set(commands) - set(args) == {"queue undo", "queue import",
                                             "queue check", "watch"}
        for command in sorted(args, key=lambda c: c == "upgrade"):
            words, answer = args[command]
            if command == "queue bounce":
                m.ctl("queue", "undo", undo)
            out = m.ctl(*command.split(),
                        *[{"ID": ident, "OUT": m.dir + "/exports"}.get(w, w)
                          for w in words]).stdout
            assert answer in out, (command, out)
            found = re.search(r"queue undo (\d+)", out)
            undo = found[1] if found else undo
        wait_for("the new daemon", m.is_up)
        watch = subprocess.Popen(
            [m.prefix + "/bin/mtactl", "watch"], env=m.env,
            stdout=subprocess.PIPE, text=True)
        try:
            assert "counters" in json.loads(watch.stdout.readline())
        finally:
            watch.kill()
            watch.wait()
        exported = m.dir + "/exports/" + ident + ".mtad"
        r = m.ctl("queue", "import", exported, check=False)
        assert r.returncode == 1 and "already" in r.stderr, r
        assert m.ctl("queue", "check", check=False).returncode == 2
        m.stop()
        assert "1 messages, 0 not whole" in m.ctl("queue", "check").stdout
        os.rename(m.dir + "/spool", m.dir + "/spool.old")
        m.start()
        assert "1 of 1" in m.ctl("queue", "import", exported).stdout
        assert m.queue()[0]["id"] == ident
        m.stop()
        r = m.ctl("queue", "check", m.dir + "/spool.old")
        assert "0 lost" in r.stdout


def it_exits_as_mtactl_8_says():
    with Mtad("exits") as m:
        def rc(*words, **kw):
            return m.ctl(*words, check=False, **kw).returncode

        assert rc("status") == 0 and rc("-h") == 0
        assert rc("queue", "show", "nothere") == 1
        m.send("x@dead.test")
        assert rc("queue", "delete", "age>0s", input="") == 1
        assert rc("fly") == 64 and rc("-Z") == 64 and rc() == 64
        assert rc("queue", "delete") == 64 and rc("queue", "show") == 64
        assert rc("queue", "undo", "x") == 64
        m.stop()
        assert rc("status") == 2
        assert rc("config", "check", "/nonexistent") == 1


def it_exits_as_sendmail_8_says():
    with Mtad("sysexits") as m:
        def rc(*words, text=LETTER):
            r = m.sendmail(*words, input=text, check=False)
            return r.returncode

        assert rc("bob@demo.test") == 0
        m.wait_mail("bob")
        assert rc() == 64 and rc("-Z") == 64 and rc("-bd") == 64
        assert rc("-f", "a b", "bob") == 64
        assert rc("a b") == 67 and rc("a b", "bob@demo.test") == 67
        m.wait_mail("bob", 2)  # the other has got it
        assert rc("-bv", "nobody.here@demo.test") == 67
        assert rc("-bv", "bob@demo.test") == 0
        assert rc("-bv", "root") == 75  # has no alias yet
        m.write("mtad.conf", m.conf + 'MaxMessageSize = "1KB"\n')
        m.ctl("reload")
        assert rc("bob@demo.test", text=LETTER + "x" * 2000) == 69
        m.write("aliases", "what is this\n")
        r = m.run("libexec/mtad/newaliases", check=False)
        assert r.returncode == 65 and "aliases:1:" in r.stderr, r
        m.stop()
        assert rc("-bp") == 69 and rc("-q") == 69 and rc("-bv", "bob") == 69
        shutil.move(m.dir + "/spool/drop", m.dir + "/spool/drop.away")
        assert rc("bob@demo.test") == 75
        shutil.move(m.dir + "/spool/drop.away", m.dir + "/spool/drop")
        assert rc("bob@demo.test") == 0
        m.write("aliases", "")
        m.write("mtad.conf", m.conf + "\nMaxHopCount = many\n")
        assert rc("bob@demo.test") == 78
        m.write("mtad.conf", m.conf)
        m.start()
        m.wait_mail("bob", 3)  # what was dropped


def it_takes_every_option_of_sendmail():
    """FAULTS.md's list: each works, or is accepted and ignored."""
    ignored = ["-B8BITMIME", "-B 7BIT", "-G", "-h 3", "-I", "-L tag", "-m",
               "-Mxname", "-n", "-OTimeout.x=1", "-O Timeout.x=1", "-o7",
               "-o8", "-om", "-odb", "-odf", "-odq", "-oem", "-oep", "-oeq",
               "-em", "-ew", "-U", "-X /nonexistent/log", "-d0.1",
               "-p ESMTP:host", "-Ac", "-Am", "-C /etc/mail/sendmail.cf",
               "-bm", "-i", "-oi", "-v", "-F Name", "-FName", "-fa@b.c",
               "-r a@b.c", "-f a@b.c", "-Nnever", "-N success,delay",
               "-Rhdrs", "-R full", "-V id", "-s", "-T", "-7", "-c"]
    with Mtad("options") as m:
        for n, words in enumerate(ignored, 1):
            r = m.sendmail(*words.split(" ", 1), "bob@demo.test",
                           input=LETTER)
            assert r.returncode == 0, (words, r)
        m.wait_mail("bob", len(ignored))
        # modes
        out = m.sendmail("-bs", input="EHLO x\r\nQUIT\r\n").stdout
        assert "250 HELP" in out and "221 " in out, out
        m.send("x@dead.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        out = m.sendmail("-bp").stdout
        assert "<x@dead.test>" in out and "Total requests: 1" in out, out
        ident = m.queue()[0]["id"]
        for words in ("-q", "-q30m", "-qI" + ident, "-qRdead", "-qSnext"):
            before = len(m.events("dlv.defer"))
            m.sendmail(words)
            wait_for("another attempt", lambda: len(
                m.events("dlv.defer")) > before)
        assert "4 aliases" not in m.sendmail("-bi").stdout
        for mode, word in (("-bh", "hosts list"), ("-bH", "hosts list"),
                           ("-bd", "the daemon is mtad")):
            r = m.sendmail(mode, check=False)
            assert r.returncode == 64 and word in r.stderr, r


def it_lists_the_queue_as_mailq_1_says():
    with Mtad("mailq") as m:
        assert "Mail queue is empty" in m.run("libexec/mtad/mailq").stdout
        for user in ("held", "gone", "back"):
            m.send(user + "@dead.test")
        wait_for("deferrals", lambda: len(m.events("dlv.defer")) >= 3)
        m.ctl("queue", "hold", "to:held@", "-y")
        m.ctl("queue", "delete", "to:gone@", "-y")
        m.ctl("queue", "bounce", "to:back@", "-y")
        out = m.run("libexec/mtad/mailq").stdout
        marks = [re.match(r"\w{14}(.)", line)[1]
                 for line in out.splitlines() if "<friend@" in line]
        assert marks == ["!", "-", "X"], out
        if IS_ROOT:  # others see their own
            r = m.run("libexec/mtad/mailq", user="nobody", group="nogroup",
                      extra_groups=[])
            assert "empty" in r.stdout, r


def it_warns_of_tables_that_make_mail_wait():
    with Mtad("tables") as m:
        def check():
            r = m.run("sbin/mtad", "-t", "-f", m.dir + "/mtad.conf")
            return r.stderr

        root = "root has no alias"
        assert root in check() and "postmaster has" not in check()
        for text, complaint in (
                ("root: alice@demo.test\npostmaster: root\n", ""),
                ("root: postmaster\npostmaster: root\n", root),
                ("root: zed@demo.test\npostmaster: a@elsewhere.test\n", root),
                ("root: \\root, nobody\npostmaster: root\n", ""),
                ("root x\n", "aliases:1: name: members is wanted"),
                ("root: a@b.c\nroot: d@e.f\npostmaster: root\n",
                 "aliases:2: this name is there already")):
            m.write("aliases", text)
            got = check()
            assert complaint in got and bool(complaint) == bool(got), got
        os.rename(m.dir + "/users", m.dir + "/users.away")
        assert "mtad-lookup cannot read" in check()
        m.write("mtad.conf", m.conf + "\nMaxHopCount = many\n")
        r = m.run("sbin/mtad", "-t", "-f", m.dir + "/mtad.conf", check=False)
        assert r.returncode == 1 and "MaxHopCount" in r.stderr, r


def it_writes_events_as_mta_events_7_says():
    fields = {f[0]: f[1] for f in event_man.rows(
        os.path.join(TOP, "lib/event.def"), "FIELD")}
    names = {e[0]: e[1] for e in event_man.rows(
        os.path.join(TOP, "lib/event.def"), "EVENT")}
    written = event_man.event_fields(TOP)
    # log.unparsed is the collector's, of other mailers' lines
    assert set(names) - set(written) <= {"LOG_UNPARSED"}, "never written"
    known = {names[e]: {fields[f] for f in fs} | set(event_man.COMMON)
             for e, fs in written.items() if e in names}
    with Mtad("events", extra='UndoTime = "1s"\nGraveTime = "1s"\n') as m:
        m.sink.rules(**{"rcpt:bad@elsewhere.test": "550 5.1.1 no",
                        "rcpt:later@elsewhere.test": "451 4.2.0 no"})
        m.send(["ok@elsewhere.test", "bad@elsewhere.test", "team@mx.demo.test",
                "later@elsewhere.test"], sender="alice@demo.test",
               mail=["ENVID=x", "RET=FULL"])
        m.send("bad@elsewhere.test", sender="")
        m.sendmail("-f", "bob@demo.test", "x@dead.test", input=LETTER)
        with m.smtp() as s:
            s.docmd("RUBBISH")
        wait_for("a deferral", lambda: len(m.events("dlv.defer")) >= 2)
        m.ctl("hosts", "pause", "[127.0.0.1]:1")
        m.ctl("hosts", "resume", "[127.0.0.1]:1")
        m.ctl("queue", "hold", "to:@dead.test", "-y")
        m.ctl("queue", "release", "to:@dead.test", "-y")
        m.ctl("queue", "bounce", "to:@dead.test", "-y")
        wait_for("its end", lambda: [e for e in m.events("dlv.fail")
                                     if e["rcpt_to"] == "x@dead.test"])
        m.ctl("queue", "retry", "to:later@elsewhere.test", "-y")
        m.ctl("queue", "delete", "to:later@elsewhere.test", "-y")
        wait_for("its burial", lambda: m.events("dlv.discard"))
        m.kill_all()
        m.start()
        m.ctl("reload")
        m.stop()
        runs = {e["kind"] for e in m.events("qrun.end")}
        assert runs == {"boot", "op"}, runs
        seen = {}
        for e in m.events():
            seen.setdefault(e["event"], set()).update(e)
        for name, got in seen.items():
            assert got <= known[name], (name, got - known[name])
        assert len(seen) >= 22, sorted(seen)


def programs_with_their_calls(m, text):
    """name: (program, words, standard input, its addressee)."""
    sendmail = m.prefix + "/libexec/mtad/sendmail"
    patch = m.dir + "/0001-x.patch"
    with open(patch, "w") as f:
        f.write("From 0000 Mon Sep 17 00:00:00 2001\nFrom: A <a@next.test>\n"
                "Date: Tue, 24 Nov 2026 12:00:00 +0000\nSubject: [PATCH] x\n"
                "\n" + text + "\n---\n x | 1 +\n")
    return {
        "cron": (sendmail, ["-FCronDaemon", "-i", "-B8BITMIME", "-oem",
                            "postmaster"],
                 "From: root (Cron Daemon)\nTo: postmaster\nSubject: Cron "
                 "<root@mx> x\nAuto-Submitted: auto-generated\n\n" + text),
        "logwatch": (sendmail, ["-t"], "To: alice@demo.test\nFrom: root\n"
                     "Subject: Logwatch\n\n" + text),
        "mailman": (sendmail, ["-oi", "-f", "list-bounces@next.test", "-t"],
                    "To: alice@demo.test\nFrom: list@next.test\n"
                    "Errors-To: x@y.z\nPrecedence: list\n\n" + text),
        "php": (sendmail, ["-t", "-i"],
                "To: alice@demo.test\r\nSubject: x\r\n\r\n" + text),
        "s-nail": ("s-nail", ["-:/", "-S", "mta=" + sendmail, "-s", "x",
                              "-r", "a@next.test", "alice@demo.test"], text),
        "mutt": ("mutt", ["-F", "/dev/null", "-e",
                          'set sendmail="%s -oem -oi"' % sendmail, "-e",
                          "set copy=no", "-s", "x", "-b", "bob@demo.test",
                          "--", "alice@demo.test"], text),
        "git": ("git", ["send-email", "--sendmail-cmd=" + sendmail + " -i",
                        "--from=a@next.test", "--to=alice@demo.test",
                        "--confirm=never", "--suppress-cc=all", patch], ""),
        "msmtp": ("msmtp", ["--file=/dev/null", "--host=127.0.0.1",
                            "--port=%d" % m.port, "--from=a@next.test",
                            "alice@demo.test"],
                  "To: alice@demo.test\n\n" + text),
    }


def it_is_called_by_the_fields_programs():
    with Mtad("programs") as m:
        env = dict(m.env, HOME=m.dir, GIT_CONFIG_GLOBAL="/dev/null",
                   GIT_CONFIG_NOSYSTEM="1", TERM="dumb",
                   GIT_COMMITTER_NAME="A", GIT_COMMITTER_EMAIL="a@next.test",
                   GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@next.test")
        for name, call in programs_with_their_calls(m, "TEXT").items():
            program, words, text = call
            if shutil.which(program) is None or (
                    name == "git" and subprocess.run(
                        ["perl", "-MMail::Address", "-e", "0"],
                        capture_output=True).returncode != 0):
                print("     (no %s here)" % name)
                continue
            mark = "this is from " + name
            before = len(m.mailbox("alice"))
            r = subprocess.run(
                [program] + words, cwd=m.dir, env=env, timeout=60, text=True,
                input=text.replace("TEXT", mark + "\n"), capture_output=True)
            assert r.returncode == 0, (name, r)
            if name == "git":
                mark = "[PATCH] x"
            got = m.wait_mail("alice", before + 1)
            assert any(mark in g for g in got), (name, got)
            assert not any("\nBcc:" in g for g in got), name
        if shutil.which("mutt"):
            m.wait_mail("bob")  # its blind copy


if __name__ == "__main__":
    stories(sys.modules[__name__])
