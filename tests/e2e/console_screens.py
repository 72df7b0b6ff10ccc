#!/usr/bin/env python3
"""mtatop's screens in real terminals: every key, the past, orders, tags, long
acts, the mouse, themes, sizes and locales, and a Postfix without an mtad."""
import base64
import json
import os
import re
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from collect import Collector  # noqa: E402
from console import batch, some_mail, top  # noqa: E402
from fill import connect, fill  # noqa: E402
from mtad import (IS_ROOT, Mtad, can_connect, free_port,  # noqa: E402
                  stories, wait_for)
from pty_screen import Recorder  # noqa: E402

# What each key of keys.def shows, pressed on the tenth of forty messages, or
# on the screen that stands before the dot.
KEYS = {
    "F1": "KEY     SCREEN", "?": "KEY     SCREEN", "1": "1 FLOW",
    "2": "2 MESSAGES", "3": "3 HOSTS", "4": "4 TRACE", "6": "6 LOG",
    "Tab": "3 HOSTS", "Up": ">  N .*x8@", "Down": ">  N .*x10@",
    "PgUp": ">  N .*x0@", "PgDn": ">  N .*x2[0-9]@", "Home": ">  N .*x0@",
    "End": ">  N .*x39@", "Enter": "WHY NOT NOW", "Esc": "2 MESSAGES",
    "F3": "^search:", "/": "^search:", "n": "no text is searched for",
    "N": "no text is searched for", "F4": "filter:", "\\": "filter:",
    "F5": "3.no host of it", "t": "3.no host of it",
    "F6": "by size", ">": "by size", "<": "by from", "I": "newest first",
    "F7": "hold .*1 message", "H": "hold .*1 message",
    "F8": "try now .*1 message", "r": "try now .*1 message",
    "F9": " ACT ", "k": " ACT ", "Space": "1 tagged", "*": "40 tagged",
    "U": "0 tagged", "o": "4 TRACE.*1 events in", "O": "4.none before",
    "e": "none behind", "E": "none before", "[": "PAST 20",
    "]": "2 MESSAGES", "{": "PAST 20", "}": "this is now", ":": "^:",
    "p": "PAUSED", "z": "UTC", "+": "refresh each 0.5",
    "F2": "SETUP .*theme", "S": "SETUP .*theme", "#": r"\A[^\n]*mode [^\n]*\n 1 Flow  2 MESSAGES", "=": "=  N .*x9@.*\n.*x0@", "y": "copying is off: started without --copy",
    "-": "refresh each 1 s", "w": "^ [0-9A-Za-z]+ *\nFrom <a@news.test>",
}
# what ends it, if not Esc
AFTER = {"p": "p", "z": "z", "<": ">", "I": "I", "F6": "<", ">": "<",
         "Esc": None, "=": "=", "#": "#", "1": None}
TMUX = {"PgUp": "PPage", "PgDn": "NPage", "Esc": "Escape"}


def press(t, name):
    screen, dot, expect = KEYS[name].partition(".")
    if not (dot and screen.isdigit()):
        screen, expect = "2", KEYS[name]
    t.keys("2")
    t.wait("2 MESSAGES", "40 of 40 shown, oldest first")
    t.keys("Home", *["Down"] * 9)
    wait_for("the tenth row", lambda: re.search(">  N .*x9@", t.screen()))
    if screen != "2":
        t.keys(screen)
        t.wait({"3": "3 HOSTS", "4": "4 TRACE"}[screen], "> ")
        t.keys("Home")
    t.keys(TMUX.get(name, name))
    try:
        wait_for(name, lambda: re.search(expect, t.screen(), re.M | re.S), 5)
    except AssertionError:
        raise AssertionError("%s: no %s on\n%s" % (name, expect, t.screen()))
    if AFTER.get(name, "Escape"):
        t.keys(AFTER.get(name, "Escape"))
    wait_for("the end of it", lambda: not re.search(
        "SETUP|search:|filter:| ACT |From < |do it|KEY  |WHY NOT|PAUSED|PAST|^:|tagged [0-9]",
        t.screen(), re.M))


def it_knows_every_key_of_its_table():
    """Each key, once, on a live screen: what it is for is what it does."""
    with open(HERE + "/../../tui/keys.def") as f:
        names = re.findall(r'^KEY\(.*\), "([^"]*)", "[^"]*", "[^"]*"\)$',
                           f.read(), re.M)
    names = set(" ".join(names).replace("\\\\", "\\").split())
    assert names - {"F10", "q"} == set(KEYS), names ^ set(KEYS)
    with Mtad("keys") as m, Collector(m) as c:
        m.ctl("delivery", "hold")
        with m.smtp() as s:
            s.ehlo()
            for i in range(40):
                s.sendmail("a@news.test", ["x%d@dead.test" % i], "x\n")
        wait_for("the events", lambda: c.totals()["received"] == 40)
        with top(m, "--store", c.store, rows=24, cols=120) as t:
            for name in KEYS:
                press(t, name)
            t.keys("F10")
            t.wait("ended 0")


def it_searches_wraps_and_pins():
    """A long reply that would steer: found, read in full, kept in sight."""
    with Mtad("search") as m, Collector(m) as c:
        m.sink.rules(rcpt="451 4.7.0 \x1b]0;owned\x07 " + "later " * 40 + "end")
        for i in range(30):
            m.send("x%d@elsewhere.test" % i)
        wait_for("deferrals", lambda: len(m.events("dlv.defer")) >= 30)
        m.ctl("delivery", "hold")
        ids = [x["id"] for x in m.queue("to:x17@")]
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                "--store", c.store, "--screen", "messages"]
        with Recorder(args) as t:
            t.wait("30 of 30 shown")
            t.keys("/X17@\r")
            t.wait(">  D " + ids[0])
            assert "later end" not in t.screen.text()
            t.keys("w")
            t.wait("To <x17@elsewhere.test>", "later end")
            t.keys("=\x1b[1~")
            t.wait("=  D " + ids[0], ">  D ", "x0@else")
            t.keys("n")
            t.wait(">  D " + ids[0])
            t.keys("/nobody\r")
            t.wait("not found: nobody")
            t.keys("6")
            t.wait("6 LOG", "dlv.defer")
            t.keys("/later end\r")
            t.wait("> ", "later end")
            assert b"\x1b]0;" not in t.raw() and b"\x07" not in t.raw()


def it_copies_when_it_is_told_to():
    """OSC 52 with the chosen id, once, and never without --copy."""
    with Mtad("copy") as m:
        m.ctl("delivery", "hold")
        m.send("x0@dead.test")
        ident = m.queue()[0]["id"]
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                "--screen", "messages"]
        with Recorder(args + ["--copy"]) as t:
            t.wait("x0@dead.test")
            assert b"\x1b]52" not in t.raw()
            t.keys("y")
            t.wait("copied: " + ident)
            assert re.findall(rb"\x1b]52;c;([^\x07]*)\x07", t.raw()) == [
                base64.b64encode(ident.encode())]
        with Recorder(args) as t:
            t.wait("x0@dead.test")
            t.keys("y")
            t.wait("copying is off")
            assert b"\x1b]52" not in t.raw()


def it_knows_the_past():
    """Log, Trace and Flow from the store; the same when mtad is gone."""
    with Mtad("past") as m, Collector(m) as c:
        some_mail(m)
        wait_for("the events", lambda: c.totals()["deferrals"] > 0 and
                 c.totals()["delivered"] == 1)
        wait_for("a snapshot", lambda: m.events("queue.snapshot"))
        ident = m.queue("to:x0")[0]["id"]
        args = ["--store", c.store]
        with top(m, *args, rows=40, cols=160) as t:
            t.wait("why  all: 100% \"451 Connection refused\"", "p50",
                   "gaps 0  unparsed 0  dropped 0", "dead.test")
            t.keys("6")
            t.wait("dlv.ok", "to=<alice@demo.test>", "sys.start")
            t.keys("\\", "to:x0@dead event:defer", "Enter")
            s = t.wait("FILTER to:x0@dead event:defer", "stat=Deferred")
            assert "alice" not in s and "msg.received" not in s, s
            t.keys("Enter")
            t.wait("4 TRACE", ident + ": ", "msg.received", "dlv.defer",
                   "sync ")
            t.keys("e")
            t.wait("> ", "stat=Deferred: Connection refused", "dns")
            # follows what happens
            t.keys("6", "Escape")
            t.wait("6 LOG", "events, the newest first")
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            later = time.time() + 1.1
            wait_for("another second", lambda: time.time() > later)
            m.send("bob@demo.test")
            t.wait("to=<bob@demo.test>")
            t.keys("2")
            t.wait("x0@dead.test")
            t.keys("Home", "Enter")
            s = t.wait("WHY NOT NOW", "To <x0@dead.test>", "msg.received",
                       "dlv.defer    Deferred: Connection refused  ")
            assert "dlv.start" not in s, s
            t.keys("Escape")
            t.wait_gone("WHY NOT NOW")
            t.keys("o")
            t.wait("4 TRACE", ident + ": ")
            t.keys("Enter", "nothing", "Enter")
            t.wait("the store knows nothing of nothing")
            t.keys("3", "t")
            t.wait("─ 127.0.0.1 [127.0.0.1]", "def ", "rtt ")
        m.stop()
        with top(m, *args, "--at", now, rows=40, cols=160) as t:
            t.wait("PAST " + now, "Esc returns", "Queue ")
            t.keys("2")
            t.wait("N/A: of the past")
            t.keys("r")
            t.wait("the past cannot be changed")
            t.keys("6")
            s = t.wait("6 LOG", "msg.received")
            assert "bob@demo.test" not in s, s
            t.keys("1", "{")
            t.wait_gone("PAST " + now)
            t.keys("Escape")
            t.wait("NO DAEMON", "Queue ?")
        frame = json.loads(batch(m, "--json", "-n", "1", "--screen", "log",
                                 "--at", now, *args, check=False).stdout)
        assert frame["at"] and frame["events"], frame
        assert frame["completeness"]["gaps"] == 0, frame
        frame = json.loads(batch(m, "--json", "-n", "1", "--trace", ident,
                                 *args, check=False).stdout)
        assert frame["events"][0]["event"] == "msg.received", frame


def it_shows_the_queue_of_then():
    """A queue that was and is no more, from its snapshot."""
    with Mtad("then") as m, Collector(m) as c:
        some_mail(m)
        wait_for("a snapshot with them", lambda: any(
            e["count"] == 3 for e in m.events("queue.snapshot")), 90)
        m.ctl("queue", "delete", "to:@dead.test", "-y")
        wait_for("nothing alive", lambda: {x["state"] for x in m.queue()} ==
                 {"deleted"})
        t = max(e["time"] for e in m.events("queue.snapshot")
                if e["count"] == 3)
        wait_for("it in the store", lambda: json.loads(batch(
            m, "--json", "-n", "1", "--store", c.store, "--at", t,
            check=False).stdout).get("shape"))
        with top(m, "--store", c.store, "--at", t, "--screen", "flow") as p:
            p.wait("PAST", "Queue 3", "> TOTAL                              3    3",
                   "dead.test")


def it_sorts_and_tags():
    with Mtad("sort") as m:
        m.ctl("delivery", "hold")
        for i, size in enumerate((10, 3000, 500)):
            m.send("x%d@dead.test" % i, text="Subject: x\n\n" + (
                "x" * 60 + "\n") * (size // 60))
        with top(m, "--screen", "messages") as t:
            t.wait("3 of 3 shown, oldest first")
            t.keys("F6")
            t.wait("by size")
            wait_for("the largest first", lambda: re.search(
                r">  N .*x1@(.|\n)* N .*x2@(.|\n)* N .*x0@", t.screen()))
            t.keys("I")
            wait_for("the smallest first", lambda: re.search(
                r">  N .*x0@(.|\n)* N .*x2@(.|\n)* N .*x1@", t.screen()))
            t.keys("Space", "Space")
            t.wait("tagged 2", " * N ")
            t.keys("H")
            t.wait("hold the 2 tagged: 2 messages", "do it?")
            t.keys("y")
            t.wait("hold: 2 messages changed")
            assert [x["state"] for x in m.queue()] == ["held", "new", "held"]
            t.keys("U", ":")
            t.keys("queue release state:held", "Enter")
            t.wait("release all that match state:held: 2 messages")
            t.keys("y")
            t.wait("release: 2 messages changed")


def it_stops_an_act():
    """A long act says how far it is; Esc ends it, what is done stays."""
    n = 60000
    with Mtad("stop") as m:
        m.ctl("delivery", "hold")
        fill(connect(m.port), 0, n, 10)
        with Recorder([m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                       "--screen", "messages"]) as t:
            t.wait("60,000", "oldest first")
            t.keys(":queue hold size>1\r")
            t.wait("60,000 messages", "type 60000 to do it")
            t.keys("60000\r")
            t.wait("hold [")
            t.keys("\x1b")
            t.wait("hold, stopped: ", "messages changed (act")
            held = len(m.queue("state:held"))
            t.wait("stopped: %d messages changed" % held)
            assert 0 < held < n, held
            t.keys("ku")
            t.wait("type %d" % held if held > 100 else "do it?")
            t.keys(str(held) + "\r" if held > 100 else "y")
            t.wait("undo: %d messages changed" % held)
            assert not m.queue("state:held")


def it_answers_under_load():
    """Mail comes as fast as it is taken; each screen is there at once."""
    with Mtad("load") as m, Collector(m) as c:
        m.ctl("delivery", "hold")
        sockets = connect(m.port)
        pid = os.fork()
        if pid == 0:
            fill(sockets, 0, 60000, 500)
            os._exit(0)
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                "--store", c.store]
        took = []
        with Recorder(args, 40, 120) as t:
            t.wait("mode HELD", "1 FLOW")
            while os.waitpid(pid, os.WNOHANG)[0] == 0:
                for key, word in ("2", "2 MESSAGES"), ("3", "3 HOSTS"), \
                        ("6", "6 LOG"), ("1", "1 FLOW"):
                    t.keys(key)
                    took.append(t.wait(word))
                    assert "STALE" not in t.screen.text(), t.screen.text()
            t.wait("Queue 60,000")
        took.sort()
        assert took[len(took) // 2] < 0.1, took


def it_obeys_the_mouse():
    with Mtad("mouse") as m:
        m.ctl("delivery", "hold")
        for i in range(5):
            m.send("x%d@dead.test" % i)
        ids = [x["id"] for x in m.queue()]
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf"]
        with Recorder(args) as t:
            t.wait("1 FLOW")

            def click(y, x, button=0):
                t.keys("\x1b[<%d;%d;%dM\x1b[<%d;%d;%dm" % (
                    button, x + 1, y + 1, button, x + 1, y + 1))
            click(3, 12)
            t.wait("2 MESSAGES", "x4@dead.test")
            click(8, 10)
            t.wait(">  N " + ids[2])
            click(8, 10)
            t.wait("WHY NOT NOW")
            click(8, 10, 65)  # the wheel
            t.wait(">  N " + ids[3])
            click(5, 27)
            t.wait("by size")
        with Recorder(args + ["-M"]) as t:
            t.wait("1 FLOW")
            assert b"\x1b[?1000h" not in t.raw()


def it_has_themes():
    with Mtad("theme") as m:
        some_mail(m)
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf"]
        for theme in "default16", "high-contrast", "cvd-safe", "mono":
            with Recorder(args + ["--theme", theme, "--screen",
                                  "messages"]) as t:
                t.wait("x0@dead.test", "Quit")
                colours = set(re.findall(rb"\x1b\[[0-9;]*?([34][0-7])[;m]",
                                         t.raw()))
                assert bool(colours) == (theme != "mono"), (theme, colours)
                if theme == "cvd-safe":
                    assert not colours & {b"31", b"32", b"41", b"42"}
        with Recorder(args + ["-C", "--screen", "messages"]) as t:
            t.wait("x0@dead.test", "Quit")
            t.keys("S")
            t.wait("SETUP", "mono", "each 1 s", "local", "shown")
            assert not re.search(rb"\x1b\[[0-9;]*3[0-7]", t.raw())
            t.keys("t")
            t.wait("default16")
            assert re.search(rb"\x1b\[[0-9;]*3[0-7]", t.raw())
            t.keys("z+#")
            t.wait("UTC", "each 0.5 s", "hidden")
            assert "Queue 3" not in t.screen.text()
            t.keys("\x1b")
            t.wait("F10Quit")
            assert "SETUP" not in t.screen.text()
        with Recorder(args, term="vt100") as t:
            t.keys("S")
            t.wait("default16; this terminal has no colours")
        with Recorder(args, env={"MTATOP_THEME": "mono"}) as t:
            t.wait("1 FLOW", "Quit")
            assert not re.search(rb"\x1b\[[0-9;]*3[0-7]", t.raw())
        assert batch(m, "--theme", "pink", check=False).returncode == 64


def it_draws_on_every_terminal_alike():
    """Sizes, terminals and locales: what each screen must have."""
    must = {"1": ["1 FLOW", "TOTAL", "dead.test"], "2": ["2 MESSAGES", "x0@"],
            "3": ["3 HOSTS", "smtp:["], "4": ["4 TRACE", "N/A"],
            "6": ["6 LOG", "N/A"]}
    with Mtad("alike") as m:
        some_mail(m)
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                "--store", m.dir + "/none"]
        for rows, cols in (24, 80), (10, 40), (50, 200):
            for term in "vt100", "linux", "xterm-256color":
                for lang in "C", "C.UTF-8", "ja_JP.UTF-8":
                    with Recorder(args, rows, cols, term,
                                  {"LC_ALL": lang}) as t:
                        for key, words in must.items():
                            t.keys(key)
                            t.wait(*words, "Quit")
                        assert lang != "C" or t.raw().isascii()
                        assert not t.screen.unknown, t.screen.unknown


def it_clips_wide_characters_whole():
    with Mtad("wide") as m:
        m.sink.rules(rcpt="451 4.7.0 " + "日本語" * 30)
        m.send("x0@elsewhere.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        args = [m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                "--screen", "messages"]
        for cols in range(100, 112):
            with Recorder(args, 24, cols) as t:
                t.wait("日本", "Quit")
                row = next(x for x in t.screen.text().split("\n")
                           if "日本" in x)
                assert row.endswith("…"), row
        with Recorder(args, 24, 120, env={"LC_ALL": "C"}) as t:
            t.wait("451 ", "???", "~")


class Postfix:
    """A real one in a folder of its own; it listens on loopback alone."""

    def __init__(self, folder):
        self.dir, self.conf, self.port = folder, folder + "/etc", free_port()
        for name in "etc", "data", "spool":
            os.mkdir(folder + "/" + name)
        shutil.chown(folder + "/data", "postfix")
        for name in "postfix-files", "dynamicmaps.cf":
            if os.path.exists("/etc/postfix/" + name):
                shutil.copy("/etc/postfix/" + name, self.conf)
        with open("/usr/share/postfix/master.cf.dist") as f:
            master = f.read()
        master = re.sub(r"(?m)^smtp(\s+inet.*)$", r"127.0.0.1:%d\1" %
                        self.port, master, count=1)
        master = re.sub(r"(?m)^(\S+\s+(?:inet|unix|fifo|unix-dgram)\s+\S+"
                        r"\s+\S+\s+)y(\s)", r"\1n\2", master)
        self.write("master.cf", master)
        self.write("main.cf", """
compatibility_level = 3.6
queue_directory = %(d)s/spool
data_directory = %(d)s/data
myhostname = postfix.demo.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
smtpd_peername_lookup = no
smtpd_recipient_limit = 10000
default_transport = smtp:[127.0.0.1]:1
maillog_file = %(d)s/mail.log
maillog_file_prefixes = %(d)s
""" % {"d": folder})

    def write(self, name, text):
        with open(self.conf + "/" + name, "w") as f:
            f.write(text)

    def run(self, *args):
        return subprocess.run(args, env=dict(
            os.environ, MAIL_CONFIG=self.conf), text=True, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True)

    def __enter__(self):
        r = self.run("postfix", "-c", self.conf, "start")
        assert r.returncode == 0, r
        wait_for("postfix", lambda: can_connect(self.port))
        return self

    def stop(self):
        self.run("postfix", "-c", self.conf, "stop")

    def __exit__(self, *_):
        self.stop()

    def send(self, to):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as s:
            s.sendmail("shop@news.test", to if isinstance(to, list) else [to],
                       "Subject: x\n\nx\n")

    def queue(self):
        return [json.loads(x) for x in self.run(
            "postqueue", "-j").stdout.splitlines()]


def watch_postfix(p, folder):
    for i in range(3):
        p.send("x%d@dead.test" % i)
    p.send("held@dead.test")
    wait_for("deferrals", lambda: sum(
        "delay_reason" in x["recipients"][0] for x in p.queue()) == 4)
    ident = next(x["queue_id"] for x in p.queue()
                 if "held@" in x["recipients"][0]["address"])
    p.run("postsuper", "-c", p.conf, "-h", ident)
    args = [os.environ["MTAD_PREFIX"] + "/bin/mtatop", "--store",
            folder + "/none"]
    env = {"MAIL_CONFIG": p.conf, "MTAD_CONF": ""}
    with Recorder(args, 30, 120, env=env) as t:
        t.wait("mode POSTFIX", "Queue 4", "READ-ONLY", "dead.test",
               "> TOTAL")
        t.keys("2")
        t.wait("x0@dead.test", "H " + ident, "connect to 127.0")
        t.keys("\\to:held\r")
        t.wait("FILTER to:held", "1 of 4 shown")
        t.keys("k")
        t.wait("read-only: this queue is Postfix's")
        t.keys("3")
        t.wait("dead.test", "1 of 1 destinations")
        # one line of postqueue's that is longer than a megabyte
        p.send(["x" * 50 + "%06d@dead.test" % i for i in range(9000)])
        wait_for("a long line", lambda: max(
            len(x["recipients"]) for x in p.queue()) == 9000)
        t.wait("mode POSTFIX", "Queue 5", seconds=30)
        p.stop()
        os.rename(p.conf + "/main.cf", p.conf + "/gone")
        t.wait("NO DAEMON", "postqueue -j tells no queue", "Queue ?",
               seconds=30)
        os.rename(p.conf + "/gone", p.conf + "/main.cf")
        t.wait("mode POSTFIX", "Queue 5", seconds=30)
    r = subprocess.run(args + ["--json", "-n", "1", "--screen", "messages"],
                       text=True, env=dict(os.environ, **env), timeout=30,
                       capture_output=True)
    frame = json.loads(r.stdout)
    assert r.returncode == 0, r
    assert frame["mode"] == "POSTFIX" and len(frame["queue"]) == 5, frame


def it_shows_a_postfix():
    """Where no mtad is, what postqueue -j says."""
    if not IS_ROOT or not shutil.which("postqueue"):
        print("(needs root and Postfix)")
        return
    folder = tempfile.mkdtemp(prefix="mtatop-postfix.", dir="/var/tmp")
    os.chmod(folder, 0o755)
    try:
        with Postfix(folder) as p:
            watch_postfix(p, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    stories(sys.modules[__name__])
