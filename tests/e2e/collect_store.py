#!/usr/bin/env python3
"""What mtacollect makes of days: pictures, lean days, no names."""
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from collector import (MIDNIGHT, POSTFIX, Collector, day,  # noqa: E402
                       file_of, places)
from mtad import Mtad, stories, wait_for  # noqa: E402


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


def kill_often(c, path, chore, lines):
    """300 lines more come for the day each time, while what makes it anew is
    killed anywhere; beside them there was one delivery."""
    rng = random.Random(chore)
    for i in range(16):
        with open(path, "a") as f:
            f.write(lines(i))
        p = subprocess.Popen(
            [c.m.prefix + "/sbin/mtacollect", chore, "-c", c.conf])
        try:
            p.wait(timeout=rng.random() * 0.15)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    wait_for("all lines", lambda: c.totals()["delivered"] == 16 * 300 + 1)


def it_loses_nothing_when_a_day_becomes_lean():
    """Lines still come for the day, and who does it is killed anywhere."""
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
            kill_often(c, path, "tidy", lambda i: mail_to("x.test", i, 300))
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


def has_drawn(store, n):
    """Is there a picture of the flow, and are so many delivered in it? One
    that is being made cannot be read yet."""
    try:
        flow = fetched(store, "flow")
    except subprocess.CalledProcessError:
        return False
    return round(sum(v["delivered"] * 60 for v in flow.values()
                     if v["delivered"] is not None)) == n


def it_draws_while_it_runs():
    with Mtad("paint") as m:
        path = m.dir + "/mail.log"
        m.write("mail.log", minutes_of_postfix(range(30)))
        with Collector(m, 'source "f" { Kind = "file" Path = "%s" }\n'
                       % path) as c:
            wait_for("the picture", lambda: has_drawn(c.store, 120), 80)
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
    with Mtad("anew") as m:
        path = m.dir + "/mail.log"
        m.write("mail.log", mail_to("y.test", 9, 1, of=1))
        c = Collector(m, 'Privacy = "hash"\nPrivacyTime = "1s"\n'
                      'RoundRobin = "no"\n'
                      'source "f" { Kind = "file" Path = "%s" }\n' % path)
        with c:
            kill_often(c, path, "privacy", lambda i: mail_to(
                "x.test", i, 300).replace("<a@", "<zebedee%d@" % i))
            wait_for("no names", lambda: c.run("privacy") and
                     not in_files(c.store, "zebedee"))
            with open(path, "a") as f:
                f.write(mail_to("x.test", 20, 5))
            wait_for("more", lambda: c.totals()["delivered"] == 4806)
        c.check()


if __name__ == "__main__":
    stories(sys.modules[__name__])
