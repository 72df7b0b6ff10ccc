#!/usr/bin/env python3
"""mtatop in a real terminal, against a live mtad."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, processes, stories, wait_for  # noqa: E402
from pty_tmux import Terminal  # noqa: E402


def top(m, *args, rows=24, cols=80, **kw):
    return Terminal([m.prefix + "/bin/mtatop", "-c", m.dir + "/mtad.conf",
                     *args], rows, cols, **kw)


def batch(m, *args, **kw):
    return m.run("bin/mtatop", *args, **kw)


def some_mail(m, n=3):
    """n messages that wait, and one that was delivered."""
    for i in range(n):
        m.send("x%d@dead.test" % i, sender="shop@news.test")
    wait_for("a deferral", lambda: m.events("dlv.defer"))
    m.send("alice@demo.test")
    m.wait_mail("alice")


def state(m, number=0):
    return m.queue("to:x%d" % number)[0]["state"]


def it_shows_what_is():
    with Mtad("top") as m:
        some_mail(m)
        with top(m) as t:
            s = t.wait("mode NORMAL", "Queue 3", "smtp:[127.0.0.1]:1",
                       "1 FLOW", "F10Quit")
            assert re.search(r"disk \d+%  .*load \d+\.\d\d", s), s
            assert "data 0s" in s or "data 1s" in s, s
            assert "Connection refused" in s, s
            m.ctl("delivery", "hold", "new disk")
            t.wait("mode HELD", "delivery is held: new disk")
            t.keys("2")
            s = t.wait("x0@dead.test", "shop@news.test")
            ids = [x["id"] for x in m.queue()]
            assert all(i in s for i in ids), s
            t.keys("Enter")
            t.wait("WHY NOT NOW: delivery of everything is held: new disk",
                   "to change it: mtactl delivery release",
                   "451 4.4.1 Connection refused")
            t.keys("3")
            t.wait("> ", "smtp:[127.0.0.1]:1", "last trouble: Connection")
            t.keys("q")
            t.wait("ended 0")


def it_fits_every_size():
    with Mtad("size") as m:
        some_mail(m, 30)
        with top(m, rows=10, cols=40) as t:
            for rows, cols in (10, 40), (24, 80), (60, 200), (200, 500), \
                    (11, 120), (10, 40):
                t.resize(rows, cols)
                for key, word in ("1", "1 FLOW"), ("2", "2 MESSAGES"), \
                        ("3", "3 HOSTS"):
                    t.keys(key)
                    lines = t.wait("mode NORMAL", word).split("\n")
                    wait_for("the footer at the end", lambda: "F10Quit" in
                             t.screen().split("\n")[rows - 1])
                    assert all(len(x) <= cols for x in lines)
            t.resize(9, 39)
            t.wait("mtatop needs 40x10, this is 39x9")
            t.resize(24, 80)
            t.wait("mode NORMAL", "F10Quit")


def it_runs_on_many_terminals():
    with Mtad("term") as m:
        some_mail(m)
        for term in "xterm-256color", "xterm", "vt100", "linux", "screen":
            with top(m, term=term) as t:
                t.wait("mode NORMAL", "DOMAIN (recipients)", "F1Help")
                t.keys("2")
                t.wait("x0@dead.test")
                t.keys("q")
                t.wait("ended 0")
        with top(m, term="nosuch") as t:
            t.wait("this terminal (TERM=nosuch) cannot", "ended 1")
        with top(m, "-n", "1", term="dumb") as t:
            t.wait("1 FLOW", "lost events 0", "ended 0")


def it_does_without_colour_and_without_utf8():
    with Mtad("plain") as m:
        m.send("a-very-long-name-of-somebody-who-is-not-there-today-or-so@"
               "dead.test", sender="a-very-long-sender-with-many-letters@"
               "news.test")
        for env, args in (("NO_COLOR", "1"), ()), ((), ("-C",)):
            with top(m, *args, env=[env] if env else ()) as t:
                t.wait("mode NORMAL")
                assert not re.search(r"\x1b\[[0-9;]*3[0-7]", t.colours())
        with top(m) as t:
            t.wait("mode NORMAL")
            assert re.search(r"\x1b\[[0-9;]*3[0-7]", t.colours())
        for env, args in (("LC_ALL", "C"), ()), (("LC_ALL", "C.UTF-8"),
                                                 ("-A",)):
            with top(m, *args, env=[env]) as t:
                t.keys("2")
                s = t.wait("a-very-lon", "~")
                assert s.isascii(), s
        # asked for and not installed: still UTF-8
        with top(m, env=[("LC_ALL", "xx_YY.UTF-8")]) as t:
            t.keys("2")
            t.wait("…")


def it_lets_nothing_steer_the_terminal():
    with Mtad("evil") as m:
        m.sink.rules(rcpt="451 4.7.0 evil \x1b]0;owned\x07 \x1b[2J "
                     "日本語 \xe2\x80\xae")
        m.send("x0@elsewhere.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        with top(m, rows=24, cols=120) as t:
            t.keys("2")
            t.wait("x0@elsewhere.test")
            t.keys("Enter")
            # counters come each second, the answer to a key at once
            t.wait("WHY NOT NOW", "451 4.7.0 evil", "mode NORMAL")
            title = t.tmux("display-message", "-p", "-t", "t",
                           "#{pane_title}")
            assert "owned" not in title, title
        assert "\x1b" not in batch(m, "-b", "-n", "1", "--screen",
                                   "messages").stdout


def it_acts_and_takes_back():
    with Mtad("act") as m:
        some_mail(m)
        with top(m) as t:
            t.keys("2")
            t.wait(">  D ", "x0@dead.test")
            t.keys("F7")
            t.wait("hold", "1 message", "do it?")
            t.keys("n")
            t.wait("nothing was changed")
            assert state(m) == "deferred"
            t.keys("F7")
            t.wait("do it?")
            t.keys("y")
            t.wait("hold: 1 message changed", ">  H ")
            assert state(m) == "held"
            t.keys("H")
            t.wait("release", "do it?")
            t.keys("y")
            t.wait("release: 1 message changed")
            t.keys("k")
            t.wait("NO notice is sent")
            t.keys("d")
            t.wait("do it?")
            t.keys("y")
            t.wait("delete: 1 message changed", ">  X ")
            assert state(m) == "deleted"
            t.keys("k", "u")
            t.wait("do it?")
            t.keys("y")
            t.wait("undo: 1 message changed", ">  D ")
            t.keys("k", "b")
            t.wait("bounce", "do it?")
            t.keys("y")
            t.wait("bounce: 1 message changed", ">  B ")
            before = len(m.events("dlv.defer"))
            t.keys("Down", "r")
            t.wait("try now", "do it?")
            t.keys("y")
            t.wait("try now: 1 message changed")
            wait_for("an attempt",
                     lambda: len(m.events("dlv.defer")) > before)


def it_asks_for_the_count_above_a_hundred():
    with Mtad("many") as m:
        m.ctl("delivery", "hold")
        with m.smtp() as s:
            s.ehlo()
            for i in range(101):
                s.sendmail("a@news.test", ["x%d@dead.test" % i], "x\n")
        with top(m) as t:
            t.keys("2")
            t.wait("101 of 101 shown")
            t.keys("F9", "Tab")
            t.wait("all messages of the queue")
            t.keys("h")
            t.wait("101 messages", "type 101 to do it")
            t.keys("y", "Enter")
            t.wait("nothing was changed")
            assert len(m.queue("state:held")) == 0
            t.keys("F9", "Tab", "h")
            t.wait("type 101 to do it")
            t.keys("1", "0", "1", "Enter")
            t.wait("hold: 101 messages changed")
            assert len(m.queue("state:held")) == 101


def it_filters():
    with Mtad("filter") as m:
        some_mail(m)
        with top(m) as t:
            t.keys("2", "\\")
            t.wait("filter:")
            t.keys("to:x1@dead", "Enter")
            t.wait("FILTER to:x1@dead", "1 of 3 shown")
            t.wait_gone("x2@dead")
            t.keys("F4", "C-u", "nope:x", "Enter")
            t.wait("'nope:x': terms are from:")
            t.keys("Escape")
            t.wait("3 of 3 shown", "x2@dead.test")
            t.keys("3", "F4", "demo", "Enter")
            t.wait("FILTER demo", "1 of 2 match", "virtual:demo.test")


def it_pauses_and_resumes_a_destination():
    with Mtad("host") as m:
        some_mail(m)

        def host():
            out = m.ctl("-j", "hosts", "list", ":1").stdout
            return json.loads(out.splitlines()[0])["state"]
        with top(m, "--screen", "hosts") as t:
            t.wait("> ", "smtp:[127.0.0.1]:1")
            t.keys("F9")
            t.wait("until it is resumed")
            t.keys("p")
            t.wait("do it?")
            t.keys("y")
            t.wait("pause: 1 destination changed", ">  P ")
            assert host() == "paused"
            t.keys("k", "s", "y")
            t.wait("resume: 1 destination changed")
            wait_for("the end of the pause", lambda: host() != "paused")
            t.keys("F8")
            t.wait("tried now", "do it?")
            t.keys("y")
            t.wait("try now: 1 destination changed")
            t.keys("Enter")
            t.wait("2 MESSAGES", "FILTER host:smtp:[127.0.0.1]:1",
                   "x0@dead.test")


def it_forgets_what_a_destination_did():
    """As purgestat: no failure is known, and nothing is tried for it."""
    with Mtad("forget") as m:
        m.write("mtad.conf", m.conf.replace('MinQueueAge = "1s"',
                                            'MinQueueAge = "1h"'))
        m.ctl("reload")
        some_mail(m)
        wait_for("all of them", lambda: len(m.events("dlv.defer")) == 3)
        with top(m, "--screen", "hosts") as t:
            t.keys("\\", ":1", "Enter")
            t.wait(">  D  smtp:[127.0.0.1]:1")
            t.keys("F9")
            t.wait("its mail goes at its own times")
            t.keys("f")
            t.wait("forget smtp:[127.0.0.1]:1: 1 destination")
            t.keys("y")
            t.wait("forget: 1 destination changed", ">  ?  smtp:[127.0.0.1]:1",
                   "0 failures in a row")
            t.keys(":")
            t.keys("hosts forget [127.0.0.1]:1", "Enter")
            t.wait("do it?")
            t.keys("y")
            t.wait("forget: no destination '[127.0.0.1]:1' changed")
        acts = [e for e in m.events("op.action")
                if e["op.verb"] == "hosts.forget"]
        assert [e["changed_count"] for e in acts] == [1, 0], acts
        assert [e["host.name"] for e in m.events("host.forget")] == [
            "smtp:[127.0.0.1]:1"]
        assert len(m.events("dlv.defer")) == 3
        assert {x["rcpts"][0]["tries"] for x in m.queue()} == {1}


def it_says_when_the_daemon_is_away():
    with Mtad("away") as m:
        some_mail(m)
        with top(m) as t:
            t.wait("mode NORMAL", "Queue 3")
            m.stop()
            s = t.wait("NO DAEMON", "Queue ?", "In ?/s")
            assert "mode" not in s, s
            r = batch(m, "--check", check=False)
            assert r.returncode == 3 and "UNKNOWN" in r.stdout, r
            r = batch(m, "--json", "-n", "1", check=False)
            assert r.returncode == 3, r
            assert json.loads(r.stdout)["connected"] is False
            m.start()
            t.wait("mode NORMAL", "Queue 3")
            # a queue that does nothing is not one that is well
            queue = m.children("mtad-queue")[0]
            os.kill(queue, 19)
            try:
                t.wait("STALE", "Queue ?", "mode ?")
            finally:
                os.kill(queue, 18)
            t.wait("data 0s", "Queue 3")


def it_is_read_only_for_whoever_may_only_read():
    with Mtad("read") as m:
        some_mail(m)
        with top(m, "-R", "--screen", "messages") as t:
            t.wait("x0@dead.test", "READ-ONLY")
            t.keys("F7")
            t.wait("read-only: started so")
        if not IS_ROOT:
            return
        args = ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                "--clear-groups", m.prefix + "/bin/mtatop", "-s",
                m.dir + "/run/control", "--screen", "messages"]
        with Terminal(args) as t:
            t.wait("the queue is empty", "READ-ONLY", "data 0s")
            t.keys("k")
            t.wait("read-only: root and the admin group may act")


def it_serves_scripts():
    with Mtad("script") as m:
        some_mail(m)
        assert "Queue 3" in batch(m, "-b", "-n", "1").stdout
        out = batch(m, "--json", "-n", "2", "-d", "0.2", "--screen",
                    "messages").stdout.splitlines()
        frame = json.loads(out[1])
        assert frame["v"] == 1 and frame["mode"] == "NORMAL", frame
        assert frame["messages"] == 3 and len(frame["queue"]) == 3, frame
        assert frame["counters"]["msg_in"] >= 4, frame
        told, disk = m.status(), os.statvfs(m.dir + "/spool")
        assert frame["disk_size"] == told["disk_size"], (frame, told)
        assert 0 < frame["disk_free"] <= frame["disk_size"], frame
        assert told["disk_size"] == disk.f_frsize * (
            disk.f_blocks - disk.f_bfree + disk.f_bavail), (told, disk)
        assert "% used" in m.ctl("status").stdout
        frame = json.loads(batch(m, "--json", "-n", "1", "--screen",
                                 "hosts").stdout)
        assert "smtp:[127.0.0.1]:1" in {h["host"] for h in frame["hosts"]}
        r = batch(m, "--check", check=False)
        assert r.returncode == 0 and r.stdout.startswith("OK"), r
        m.ctl("delivery", "hold", "x")
        r = batch(m, "--check", check=False)
        assert r.returncode == 1 and "delivery is held: x" in r.stdout, r
        assert batch(m, "-d", "nan", check=False).returncode == 64


def it_reads_itself_aloud():
    with Mtad("linear") as m:
        some_mail(m)
        with top(m, "--linear", "--screen", "messages", rows=50,
                 cols=160) as t:
            s = t.wait("mode NORMAL", "x0@dead.test", ">, D ")
            assert "▁" not in s and "█" not in s
            first = s.count("x2@dead.test")
            t.keys("Down")
            wait_for("the moved row", lambda: re.search(
                r">, D .*x1@dead", t.screen()))
            assert t.screen().count("x2@dead.test") == first
            t.keys("q")
            t.wait("ended 0")


def it_ends_cleanly_when_told():
    with Mtad("end") as m:
        with top(m) as t:
            t.wait("mode NORMAL")
            shell = int(t.tmux("display-message", "-p", "-t", "t",
                               "#{pane_pid}"))
            os.kill(next(pid for pid, name, parent in processes()
                         if parent == shell and name == "mtatop"), 15)
            t.wait("ended 0")
            assert "mode NORMAL" not in t.screen()


if __name__ == "__main__":
    stories(sys.modules[__name__])
