#!/usr/bin/env python3
"""The incident classes of twenty years of mail servers, each by its name.

What is tried here goes through the whole of mtad, over a real socket. The
same classes are tried piece by piece where the pieces are tested:

    the client's side of replies    tests/dialogue/remote/*.story
    DNS                             tests/dialogue/remote/dns-*.story,
                                    tests/unit/mtad/remote/test_answer.c
    .forward and :include: files    tests/unit/mtad/local/test_forward.c,
                                    tests/unit/mtad/lookup/test_aliases.c
    mixes of CR, LF and NUL         tests/unit/mtad/smtpd/test_body.c
"""
import glob
import itertools
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, stories, user_exists, wait_for  # noqa: E402

HI = b"EHLO next.test\r\n"
TO_ALICE = b"MAIL FROM:<a@next.test>\r\nRCPT TO:<alice@demo.test>\r\n"


class Watch:
    """Nobody died and the sandbox refused nothing while this was open."""

    def __init__(self, m):
        self.m, self.pids = m, sorted(m.children())

    def __enter__(self):
        return self.m

    def __exit__(self, kind, value, trace):
        if kind is None:
            assert sorted(self.m.children()) == self.pids, "a process died"
            assert not self.m.events("sys.denied"), "the sandbox said no"
            assert not self.m.events("spool.damage")


def attacked(name, **kw):
    """A mtad in which nothing may die."""
    class Attacked(Mtad):
        def __enter__(self):
            super().__enter__()
            self.watch = Watch(self)
            return self

        def __exit__(self, kind, value, trace):
            try:
                self.watch.__exit__(kind, value, trace)
            finally:
                super().__exit__(kind, value, trace)
    return Attacked(name, **kw)


def memory(m, name):
    """The largest resident memory of these processes, in MiB."""
    most = 0
    for pid in m.children(name):
        with open("/proc/%d/status" % pid) as f:
            most = max(most, *(int(line.split()[1]) for line in f
                               if line.startswith("VmHWM")))
    return most // 1024


def bare_newlines(raw):
    return raw.replace(b"\r\n", b"").count(b"\r") + \
        raw.replace(b"\r\n", b"").count(b"\n")


def it_is_not_smuggled_into():
    """CVE-2023-51764, 51765, 51766."""
    ends = {a + b"." + z for a, z in itertools.product(
        (b"\n", b"\r", b"\r\n", b"\n\r", b"\0\n", b" \n", b"\r\r\n",
         b"\x85", b"\x0b", b"\x0c", b"\r\n\0", b"\r\n "), repeat=2)}
    ends = {end for end in ends if b"\r\n.\r\n" not in end}  # a true one
    for how in ("reject", "normalize"):
        with attacked("smuggle", extra='BareNewlines = "%s"\n' % how) as m:
            for end in sorted(ends):
                m.raw(HI + TO_ALICE + b"DATA\r\nSubject: first\r\n\r\nx" +
                      end + b"MAIL FROM:<evil@b.c>\r\n"
                      b"RCPT TO:<bob@demo.test>\r\nDATA\r\n"
                      b"Subject: second\r\n\r\nevil\r\n.\r\nQUIT\r\n",
                      until=b"221 ")
            m.wait_empty()
            assert not m.mailbox("bob")


def it_smuggles_nothing_out():
    body = b"Subject: x\r\n\r\na\nb\rc\n.\nd\r.\re\r\n..\r\nf\0g\r\n"
    with attacked("out", extra='BareNewlines = "normalize"\n') as m:
        to = b"MAIL FROM:<a@b.c>\r\nRCPT TO:<x@elsewhere.test>\r\n"
        m.raw(HI + to + b"DATA\r\n" + body + b".\r\nQUIT\r\n", until=b"221 ")
        m.raw(HI + to + b"BDAT %d LAST\r\n" % len(body) + body +
              b"QUIT\r\n", until=b"221 ")
        m.wait_empty()
        for path in glob.glob(m.sink.folder + "/*[0-9]"):
            with open(path, "rb") as f:
                sent = f.read().partition(b"\n\n")[2]
            assert not bare_newlines(sent) and b"\0" not in sent, sent


def it_gives_no_address_to_a_shell():
    """CVE-2020-7247, CVE-2019-10149, the pipes of sendmail."""
    marks = ["`touch %s`", "$(touch %s)", ";touch %s;", "|touch %s", "/%s",
             "${run{touch %s}}", "-X%s", "'touch %s'", "&touch %s&",
             ":include:%s", "\\|touch %s", "%%0atouch %s"]
    with attacked("shell", extra='DefaultUser = "nobody"\n') as m:
        mark = m.dir + "/mail/owned"
        m.write("aliases", 'postmaster: alice@demo.test\n'
                'log: "|/bin/cat"\n')
        for text in (t % mark for t in marks):
            for quoted in (text, '"%s"' % text):
                with m.smtp() as s:
                    s.ehlo("next.test")
                    for sender, to in (
                            ("<%s@next.test>" % quoted, "<log@mx.demo.test>"),
                            ("<a@next.test>", "<%s@mx.demo.test>" % quoted),
                            ("<a@next.test>", "<alice+%s@demo.test>" % text),
                            ("<a@next.test>", "<%s@elsewhere.test>" % quoted),
                            ("<%s>" % quoted, "<%s>" % quoted)):
                        s.docmd("RSET")
                        s.docmd("MAIL", "FROM:" + sender)
                        if s.docmd("RCPT", "TO:" + to)[0] == 250:
                            s.data("Subject: x\n\nx\n")
        wait_for("all to be tried", lambda: not [
            q for q in m.queue() if q["state"] in ("new", "active")], 60)
        done = [e["event"] for e in m.events()]
        to_programs = [e for e in m.events("dlv.ok") if "log@" in e["rcpt_to"]]
        print("     %d letters, %d of them handed to a program" % (
            done.count("msg.received"), len(to_programs)))
        assert done.count("dlv.ok") > len(marks) and to_programs
        assert not os.path.exists(mark)


def it_reads_replies_that_attack():
    """CVE-2020-8794: then the notice and the spool are looked at."""
    evil = [
        "\\r\\n".join(["550-" + "x" * 900] * 70) + "\\r\\n550 end",
        "550 " + "y" * 65536,
        "550-5.1.1 first\\r\\n550",
        "553-\\nX-Evil: yes",
        "553-\\r\\n553",
        "550-a\\r\\n55",
        "550 a\\0b\\0X-Evil: yes",
        "550 a\\rX-Evil: yes\\rb",
        "550 5.1.1 a\\nX-Evil: yes\\n\\nbody",
        "550 5.1.1 <\\r\\nX-Evil: yes",
    ]
    with attacked("replies") as m:
        for i, reply in enumerate(evil):
            m.sink.rules(rcpt=reply)
            m.ctl("hosts", "retry", "*", check=False)
            to = "x%d@elsewhere.test" % i
            m.send(to, sender="alice@demo.test")
            wait_for("an outcome of " + reply[:40], lambda: [
                e for e in m.events() if e.get("rcpt_to") == to
                and e["event"].startswith("dlv.") and
                e["event"] != "dlv.start"])
        m.ctl("queue", "bounce", "to:@elsewhere.test", "--yes", check=False)
        for note in m.mailbox("alice"):
            assert "\nX-Evil" not in note.replace("\r", "\n"), note
            assert max(map(len, note.split("\n"))) <= 998
        before = {q["id"] for q in m.queue()}
        m.kill_all()
        m.start()
        m.watch = Watch(m)
        assert before <= {q["id"] for q in m.queue()}


def it_decodes_no_newline():
    """21Nails: CVE-2020-28021, 28022, 28026."""
    with attacked("xtext") as m:
        m.sink.rules(rcpt="550 5.1.1 no")
        for code in ("+0A", "+0D+0A", "+0D", "+00"):
            evil = "a%sX-Evil:yes" % code
            for mail, rcpt in ((["ENVID=" + evil], []),
                               ([], ["ORCPT=rfc822;%s@b.c" % evil])):
                with m.smtp() as s:
                    s.ehlo("next.test")
                    s.mail("alice@demo.test", mail)
                    if s.rcpt("x@elsewhere.test", rcpt)[0] == 250:
                        s.data("Subject: x\n\nx\n")
        wait_for("an end", lambda: not m.queue())
        for path in (glob.glob(m.dir + "/spool/*/*") +
                     glob.glob(m.dir + "/mail/*/new/*") +
                     glob.glob(m.dir + "/log/*")):
            with open(path, "rb") as f:
                raw = f.read().replace(b"\r", b"\n").replace(b"\0", b"\n")
            assert b"\nX-Evil" not in raw, path


def it_counts_recipients():
    """CVE-2020-28017: 100,000 recipients."""
    with attacked("counts") as m:
        batch = b"".join(b"RCPT TO:<r%d@elsewhere.test>\r\n" % i
                         for i in range(1000))
        with socket.create_connection(("127.0.0.1", m.port)) as s:
            f = s.makefile("rb")
            s.sendall(HI + b"MAIL FROM:<a@b.c>\r\n")
            while not f.readline().startswith(b"250 2.1.0"):
                pass
            codes = {}
            for _ in range(100):
                s.sendall(batch)
                for _ in range(1000):
                    code = f.readline()[:3]
                    codes[code] = codes.get(code, 0) + 1
        assert codes == {b"250": 1000, b"452": 99000}, codes
        assert memory(m, "mtad-smtpd") < 64, memory(m, "mtad-smtpd")


def it_bears_signals_while_it_waits():
    """CVE-2006-0058: signals during timeouts."""
    with attacked("signals", extra='Timeout.command = "1s"\n') as m:
        with socket.create_connection(("127.0.0.1", m.port)) as s:
            s.settimeout(20)
            s.sendall(HI)
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                os.kill(m.proc.pid, signal.SIGHUP)
                time.sleep(0.002)
            got = b""
            while b"421 " not in got:
                more = s.recv(4096)
                assert more, "closed without a word: %r" % got
                got += more
        wait_for("service", m.is_up)
        m.send("alice@demo.test")
        m.wait_mail("alice")


def it_takes_chunks_that_are_cut():
    """CVE-2017-16943, 16944."""
    inside = [b"BDAT 20\r\nRSET\r\n", b"BDAT 20\r\nQUIT\r\n", b"BDAT 20\r\n",
              b"BDAT 0\r\nBDAT 0\r\nRSET\r\nBDAT 5\r\n", b"BDAT 0 LAST\r\nx",
              b"BDAT 18446744073709551615 LAST\r\nx", b"BDAT -1\r\n",
              b"BDAT 99999999999999999999999\r\n", b"BDAT 4 LAST LAST\r\nabcd",
              b"BDAT 2147483648\r\nabc", b"BDAT 1\r\n\r\nDATA\r\n.\r\n"]
    with attacked("bdat") as m:
        for chunk in inside:
            for ending in (b"", b"QUIT\r\n"):
                with socket.create_connection(("127.0.0.1", m.port)) as s:
                    s.sendall(HI + TO_ALICE + chunk + ending)
                    s.shutdown(socket.SHUT_WR)
                    s.settimeout(20)
                    while s.recv(65536):
                        pass
        m.send("bob@demo.test")
        m.wait_mail("bob")


def it_parses_hostile_headers():
    """CA-2003-07, CA-2003-12, CVE-2003-0540."""
    hostile = ["<>" * 500, "\xff" * 1000, "(" * 10000, "(" * 10000 + ")" *
               10000, "a.!b@", '"' * 999, "\\" * 999, "<" * 999, "@" * 999,
               "a:" * 500 + ";" * 500, ", " * 5000, "=?utf-8?q?" * 90]
    with attacked("headers") as m:
        for i, text in enumerate(hostile):
            folded = "\n ".join(text[at:at + 900]
                                for at in range(0, len(text), 900))
            letter = "From: %s\nTo: %s\nCc: %s\nSubject: h%d\n\nx\n" % (
                folded, folded, folded, i)
            m.send("alice@demo.test", text=letter.replace(
                "\n", "\r\n").encode("latin1"))
            r = m.sendmail("-t", input=letter, check=False)
            assert r.returncode == 0 or 64 <= r.returncode <= 78, r
        m.wait_mail("alice", len(hostile))


class Unprivileged:
    """sendmail, set-group-id as it is installed, run by nobody."""

    def __init__(self, m):
        self.m, self.path = m, m.dir + "/sendmail"
        shutil.copy(m.prefix + "/libexec/mtad/sendmail", self.path)
        shutil.chown(self.path, group="mtadrop")
        os.chmod(self.path, 0o2755)

    def run(self, *args, input=b"x\n", env={}, before=lambda: None):
        def become():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            before()
        return subprocess.run(
            [self.path, *args], input=input, env=dict(self.m.env, **env),
            preexec_fn=become, capture_output=True, timeout=60)


def it_bears_its_command_line():
    """21Nails, the local half."""
    if not IS_ROOT or not user_exists("mtas"):
        return

    def no_descriptors():
        os.closerange(0, 3)

    def no_room(what, n):
        return lambda: resource.setrlimit(what, (n, n))
    to = "alice@demo.test"
    rows = [
        dict(args=("-f", "a@b.c\nX-Evil: yes", to)),
        dict(args=("-F", "Evil\nX-Evil: yes", "-f", "a@b.c", to)),
        dict(args=("-i", "--", "-X/etc/x")),
        dict(args=("-C/etc/shadow", "-f", "a@b.c", to)),
        dict(args=("-oQ/tmp/evil", "-oA/etc/shadow", "-f", "a@b.c", to)),
        dict(args=("-bs",), input=b"EHLO x\r\nMAIL FROM:<\n>\r\nQUIT\r\n"),
        dict(args=("-t",), input=b"To: " + b"a, " * 100000 + b"\n\nx\n"),
        dict(args=("-t",), input=b"To: a\0b@demo.test\n\nx\n"),
        dict(args=("x" * 100000,)), dict(args=("",)), dict(args=()),
        dict(args=("-q", "-v", "-bp", "-bi", to)),
        dict(args=("-f", "a@b.c", to), env={"MTAD_CONF": "/etc/shadow"}),
        dict(args=("-f", "a@b.c", to), env={"LD_PRELOAD": "/tmp/evil.so",
                                            "TZ": ":/etc/shadow"}),
        dict(args=("-f", "a@b.c", to), env={"USER": "\n", "LOGNAME": "a\nb",
                                            "NAME": "X\nX-Evil: yes"}),
        dict(args=("-f", "a@b.c", to), before=no_descriptors),
        dict(args=("-f", "a@b.c", to), before=no_room(
            resource.RLIMIT_NOFILE, 3)),
        dict(args=("-f", "a@b.c", to), before=no_room(
            resource.RLIMIT_FSIZE, 0)),
        dict(args=("-f", "a@b.c", to), before=no_room(
            resource.RLIMIT_AS, 8 << 20)),
    ]
    with attacked("local", trusted=False) as m:
        nobody = Unprivileged(m)
        for row in rows:
            args = row.pop("args")
            r = nobody.run(*args, **row)
            said = r.stdout + r.stderr
            # by the loader when it has no memory; never by our own fault
            assert r.returncode >= 0 and (
                r.returncode in (0, 1, 127) or 64 <= r.returncode <= 78), (
                    args[:3], r)
            assert b"root:" not in said, said
        m.send("bob@demo.test", sender="a@next.test")
        m.wait_mail("bob")
        for note in m.mailbox("alice"):
            assert "\nX-Evil" not in note, note
        assert not [d for d in os.listdir(m.dir + "/spool/drop")
                    if d.endswith(".bad")]


class Account:
    """A user of this machine, for as long as the story goes."""
    name, home = "mtadvictim", "/var/tmp/mtadvictim-home"

    def __enter__(self):
        self.__exit__()
        subprocess.run(["useradd", "-m", "-d", self.home, self.name],
                       check=True, capture_output=True)
        self.uid = os.stat(self.home).st_uid
        return self

    def __exit__(self, *ignored):
        subprocess.run(["userdel", "-r", self.name], capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)


def it_believes_no_planted_forward():
    if not IS_ROOT:
        return

    def text(path, what="bob@demo.test\n"):
        with open(path, "w") as f:
            f.write(what)

    def other_owner(path):
        text(path)
        os.chown(path, 65534, -1)

    def group_writable(path):
        text(path)
        os.chown(path, a.uid, -1)
        os.chmod(path, 0o664)

    def to_a_strangers_file(path):
        other_owner(path + ".real")
        os.symlink(path + ".real", path)

    def fifo(path):
        os.mkfifo(path)
        os.chown(path, a.uid, -1)

    def folder(path):
        os.mkdir(path)
        os.chown(path, a.uid, -1)

    def device(path):
        os.symlink("/dev/zero", path)

    def huge(path):
        text(path)
        os.truncate(path, 1 << 30)
        os.chown(path, a.uid, -1)

    def two_names(path):
        other_owner(path)
        os.link(path, path + ".other")
    with Account() as a, attacked("forward") as m:
        m.write("aliases", "".join("d%d: d%d\n" % (i, i + 1)
                                   for i in range(1000)))
        path = a.home + "/.forward"
        to = a.name + "@mx.demo.test"

        def deferrals():
            return [e for e in m.events("dlv.defer") if e["rcpt_to"] == to]
        for n, plant in enumerate((other_owner, group_writable,
                                   to_a_strangers_file, fifo, folder, device,
                                   huge, two_names)):
            plant(path)
            m.send(to, text="Subject: %s\n\nx\n" % plant.__name__)
            wait_for("an answer to " + plant.__name__,
                     lambda: len(deferrals()) > n)
            m.ctl("queue", "delete", "to:" + to, "--yes")
            assert not m.mailbox("bob"), plant.__name__ + " was believed"
            if os.path.isdir(path):
                os.rmdir(path)
            for planted in glob.glob(path + "*"):
                os.remove(planted)
        assert all(e["text"] for e in deferrals())
        m.send("d0@mx.demo.test", sender="bob@demo.test")
        assert "5.4.6" in m.wait_mail("bob")[0]


def it_writes_through_no_planted_mailbox():
    """CVE-2008-2936, 2937: a sticky folder, swapped while it is written."""
    if not IS_ROOT:
        return
    deliveries = int(os.environ.get("DELIVERIES", "100"))
    with Account() as a:
        with attacked("box", extra='LocalMailbox = "%s/box/$u"\n'
                      % Account.home) as m:
            box = a.home + "/box"
            os.mkdir(box)
            os.chmod(box, 0o1777)
            mine, victim = box + "/" + a.name, m.dir + "/victim"
            with open(victim, "w") as f:
                f.write("untouched\n")
            os.chown(victim, a.uid, -1)  # the worst: he could write to it
            stop = threading.Event()

            def swap():
                plants = [lambda: os.symlink(victim, mine),
                          lambda: os.link(victim, mine),
                          lambda: os.mkfifo(mine), lambda: os.mkdir(mine),
                          lambda: None]
                while not stop.is_set():
                    try:
                        random.choice(plants)()
                        time.sleep(random.random() * 0.004)
                        if os.path.isdir(mine) and not os.path.islink(mine):
                            os.rmdir(mine)
                        else:
                            os.rename(mine, mine + ".%d" % time.time_ns())
                    except OSError:
                        pass
            thread = threading.Thread(target=swap)
            thread.start()
            for i in range(deliveries):
                m.send(a.name + "@mx.demo.test",
                       text="Subject: n%d\n\nx\n" % i)
            wait_for("each to be tried", lambda: len(
                {e["msg.id"] for e in m.events()
                 if e["event"] in ("dlv.ok", "dlv.defer")}) >= deliveries, 60)
            stop.set()
            thread.join()
            print("     %d delivered, %d times put off" % (
                len(m.events("dlv.ok")), len(m.events("dlv.defer"))))
            assert m.events("dlv.ok") and m.events("dlv.defer")
            assert open(victim).read() == "untouched\n"
            assert not m.events("dlv.fail"), "a planted box cost a letter"
            if os.path.isdir(mine):
                os.rmdir(mine)
            elif os.path.lexists(mine):
                os.rename(mine, mine + ".last")
            m.ctl("queue", "retry", "age>0s", "--yes", check=False)
            m.wait_empty()
            kept = "".join(open(p, errors="replace").read()
                           for p in glob.glob(mine + "*")
                           if os.path.isfile(p) and not os.path.islink(p))
            missing = [i for i in range(deliveries)
                       if "Subject: n%d\n" % i not in kept]
            assert not missing, missing


def it_refuses_relaying_in_every_spelling():
    ours = ["alice@demo.test", "postmaster", "POSTMASTER@mx.demo.test",
            "<@x.test:alice@demo.test>"]
    theirs = ["x@elsewhere.test", "x%elsewhere.test@demo.test",
              "elsewhere.test!x@demo.test", '"x@elsewhere.test"@demo.test',
              "<@demo.test:x@elsewhere.test>", "x@[192.0.2.1]",
              "x@ELSEWHERE.test", "x@elsewhere.test.", "x@demo.test.evil",
              "x%elsewhere.test@mx.demo.test", '"x%elsewhere.test"@demo.test',
              "elsewhere.test!x@mx.demo.test", "x@[127.0.0.2]",
              "x@sub.demo.test", '"@elsewhere.test:x"@demo.test']
    with Mtad("relay", trusted=False) as m:
        with m.smtp() as s:
            s.ehlo()
            for to, want in [(t, 250) for t in ours] + [(t, 550)
                                                        for t in theirs]:
                s.docmd("RSET")
                s.mail("friend@next.test")
                if to[0] != "<":
                    to = "<" + to + ">"
                code, text = s.docmd("RCPT", "TO:" + to)
                assert code == want, (to, code, text)


def it_stays_awake_under_floods():
    with attacked("flood", extra='MaxSessions = 400\n'
                  'Timeout.command = "5s"\n') as m:
        idle = [socket.create_connection(("127.0.0.1", m.port))
                for _ in range(150)]
        for i, s in enumerate(idle):  # slow writers, and readers of nothing
            s.sendall(b"EHLO" if i % 2 else HI + b"NOOP\r\n" * 2000)
        started = time.monotonic()
        m.send("alice@demo.test")
        m.wait_mail("alice")
        assert time.monotonic() - started < 5
        for s in idle:
            s.close()
        for data in (b"x" * (64 << 20),  # a command without an end
                     HI + TO_ALICE + b"DATA\r\n" + b"y" * (64 << 20)):
            with socket.create_connection(("127.0.0.1", m.port)) as s:
                try:
                    s.settimeout(20)
                    s.sendall(data + b"\r\n.\r\nQUIT\r\n")
                    while s.recv(65536):
                        pass
                except OSError:
                    pass  # it hung up: so be it
        bomb = "".join("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
                       % (i, i) for i in range(10000))
        m.send("bob@demo.test", text="Subject: bomb\n" + bomb)
        m.wait_mail("bob")
        assert memory(m, "mtad-smtpd") < 160, memory(m, "mtad-smtpd")
        assert len(m.mailbox("alice")) == 1


def it_refuses_connections_beyond_its_number():
    with attacked("connects", extra="MaxSessions = 50\n"
                  "SmtpdProcesses = 1\n") as m:
        socks = [socket.create_connection(("127.0.0.1", m.port))
                 for _ in range(80)]
        greetings = []
        for s in socks:
            s.settimeout(20)
            greetings.append(s.recv(3))
        assert greetings.count(b"220") == 50, greetings
        assert greetings.count(b"421") == 30, greetings
        for s in socks:
            s.close()

        def is_greeted():
            with socket.create_connection(("127.0.0.1", m.port)) as s:
                s.settimeout(20)
                return s.recv(3) == b"220"
        wait_for("room again", is_greeted)


def it_ends_loops_and_answers_no_notice():
    with attacked("loops", extra="MaxHopCount = 25\n") as m:
        m.write("aliases", "postmaster: gone@mx.demo.test\n")
        with m.smtp() as s:
            s.ehlo("next.test")
            s.mail("friend@next.test")
            s.rcpt("alice@demo.test")
            code, words = s.data("Received: by x\n" * 26 + "\nx\n")
            assert code == 554 and b"5.4.6" in words, (code, words)
        # a notice that fails, to a postmaster that fails: no third one
        m.sink.rules(rcpt="550 5.1.1 no")
        m.send("x@elsewhere.test", sender="")
        wait_for("a double bounce", lambda: m.events("dsn.double"))
        wait_for("the notice to be tried", lambda: [
            e for e in m.events() if e["event"] in ("dlv.fail", "dlv.defer")
            and e["rcpt_to"] != "x@elsewhere.test"])
        assert len(m.events("dsn.double")) == 1


def it_returns_what_aliases_lead_in_a_circle():
    """Nobody gets it, so that somebody must hear of it; an alias that names
    itself means the mailbox behind it."""
    with attacked("circle") as m:
        m.write("aliases", "postmaster: alice@demo.test\na: b\nb: c\nc: a\n"
                "bob@demo.test: bob@demo.test, carol@demo.test\n"
                "d: e, alice@demo.test\ne: d\n")
        m.ctl("reload")
        m.send("a@mx.demo.test", sender="alice@demo.test")
        text = m.wait_mail("alice")[0]
        assert "5.4.6" in text and "circle" in text, text
        m.send("bob@demo.test")
        m.wait_mail("bob")
        m.wait_mail("carol")
        m.send("d@mx.demo.test", sender="")
        m.wait_mail("alice", 2)
        m.wait_empty()
        assert [len(m.mailbox(u)) for u in ("bob", "carol")] == [1, 1]


def it_speaks_to_no_other_protocol():
    """ALPACA, HTTP to port 25."""
    mail = HI + TO_ALICE + b"DATA\r\nx\r\n.\r\nQUIT\r\n"
    with attacked("cross") as m:
        for first in (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
                      b"GET / HTTP/1.0\r\n\r\n", b"PUT /x HTTP/1.1\r\n",
                      b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
                      b"SSH-2.0-x\r\n", b"OPTIONS rtsp://x RTSP/1.0\r\n",
                      b"CONNECT x:25 HTTP/1.1\r\n"):
            got = m.raw(first + mail)
            assert b"250" not in got and b"354" not in got, (first, got)
        assert not m.queue() and not m.mailbox("alice")


if __name__ == "__main__":
    stories(sys.modules[__name__])
