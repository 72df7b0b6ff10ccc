#!/usr/bin/env python3
"""Mail goes in, out, into mailboxes, and back to its sender."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import Mtad, stories, wait_for  # noqa: E402


def it_relays_and_says_so():
    with Mtad("relay") as m:
        m.send("x@elsewhere.test", text="Subject: hi\n\n.dot\n..dots\n")
        got = m.wait_remote()[0]
        assert "\r\n.dot\r\n..dots\r\n" in got, got
        assert "Received: from" in got and "RCPT TO:<x@elsewhere.test>" in got
        m.wait_empty()
        wait_for("events", lambda: m.events("msg.done"))
        ok = m.events("dlv.ok")[0]
        assert ok["remote_id"].startswith("SINK") and ok["code"] == 250
        assert ok["stage.final_us"] >= 0 and ok["total_us"] > 0


def it_leaves_no_holes_in_the_numbers():
    with Mtad("seq") as m:
        for i in range(20):
            m.send("x%d@elsewhere.test" % i)
        m.wait_remote(20)
        m.wait_empty()
    # stopped: everything is written
        m.stop()
        seqs = {}
        for e in m.events():
            seqs.setdefault(e["boot"], []).append(e["seq"])
        for boot, seq in seqs.items():
            assert sorted(seq) == list(range(1, len(seq) + 1)), boot


def it_expands_aliases_once():
    with Mtad("alias") as m:
        m.send(["team@mx.demo.test", "alice@demo.test",
                "ALICE+tag@demo.test"])
        m.wait_mail("bob")
        m.wait_mail("alice")
        m.wait_empty()
        kinds = [e["kind"] for e in m.events("rcpt.expand")]
        assert kinds == ["alias"], kinds
        assert "Delivered-To: bob@demo.test" in m.mailbox("bob")[0]
        assert m.mailbox("bob")[0].startswith("Return-Path: <friend@next")


def it_returns_what_fails():
    with Mtad("notice") as m:
        m.sink.rules(rcpt__bad="550 5.1.1 no such user here",
                     **{"rcpt:bad@elsewhere.test":
                        "550 5.1.1 no such user, really"})
        m.send("bad@elsewhere.test", sender="alice@demo.test",
               mail=["RET=HDRS", "ENVID=abc+2B1"],
               rcpt=["ORCPT=rfc822;orig@first.test"])
        note = m.wait_mail("alice")[0]
        for part in ("Return-Path: <>", "multipart/report",
                     "Original-Envelope-Id: abc+1",
                     "Original-Recipient: rfc822;orig@first.test",
                     "Final-Recipient: rfc822; bad@elsewhere.test",
                     "Action: failed", "Status: 5.1.1",
                     "no such user, really", "text/rfc822-headers",
                     "Auto-Submitted: auto-replied"):
            assert part in note, part + " is not in " + note
        m.wait_empty()


def it_obeys_notify_never():
    with Mtad("never") as m:
        m.sink.rules(rcpt="550 5.1.1 no")
        m.send("bad@elsewhere.test", sender="alice@demo.test",
               rcpt=["NOTIFY=NEVER"])
        wait_for("the end", lambda: m.events("msg.done"))
        m.wait_empty()
        assert not m.mailbox("alice") and not m.events("dsn.sent")


def it_sends_double_bounces_to_the_postmaster():
    with Mtad("double") as m:
        m.sink.rules(rcpt="550 5.1.1 no")
        m.send("bad@elsewhere.test", sender="")
        note = m.wait_mail("alice")[0]  # postmaster: alice
        assert "Return-Path: <>" in note
        assert m.events("dsn.double")


def it_keeps_what_cannot_go_now():
    with Mtad("defer") as m:
        m.sink.rules(rcpt="451 4.7.1 greylisted, later")
        m.send("x@elsewhere.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        e = m.events("dlv.defer")[0]
        assert e["reason.class"] == "greylist", e
        q = m.queue("state:deferred", "reason~greylist")
        assert len(q) == 1
        m.stop()
        m.start()
        assert m.queue()[0]["id"] == q[0]["id"]
        assert m.status()["clean_start"]
        m.sink.rules()
        m.ctl("queue", "retry", "age>0s", "--yes")
        m.wait_remote()
        m.wait_empty()


def it_answers_odd_servers():
    odd = {  # rules -> (result, part of the text)
        "connect 554 go away": "dlv.defer",
        "connect 421 busy": "dlv.defer",
        "connect 220-a\\r\\n220-b\\r\\n220 c": "dlv.ok",
        "connect nonsense": "dlv.defer",
        "ehlo 421 no": "dlv.defer",
        "mail 451 later": "dlv.defer",
        "mail 550 5.7.1 not you": "dlv.fail",
        "rcpt 552 too many": "dlv.defer",
        "data 451 no": "dlv.defer",
        "data 554 no": "dlv.fail",
        "dot 451 no": "dlv.defer",
        "dot 554 5.6.0 content": "dlv.fail",
        "dot close": "dlv.defer",
        "mail close": "dlv.defer",
    }
    with Mtad("odd") as m:
        for i, (rule, want) in enumerate(odd.items()):
            with open(m.sink.script, "w") as f:
                f.write(rule + "\n")
            m.ctl("hosts", "retry", "*", check=False)
            to = "x%d@elsewhere.test" % i
            m.send(to, rcpt=["NOTIFY=NEVER"])
            got = wait_for("an outcome of " + rule, lambda: [
                e for e in m.events() if e.get("rcpt_to") == to
                and e["event"].startswith("dlv.")])
            assert got[0]["event"] == want, (rule, got[0])
            m.ctl("queue", "delete", "age>0s", "--yes")


def it_gives_each_recipient_its_own_outcome():
    with Mtad("mixed") as m:
        m.sink.rules(**{"rcpt:no@e.test": "550 5.1.1 no",
                        "rcpt:later@e.test": "450 4.2.1 later"})
        m.send(["yes@e.test", "no@e.test", "later@e.test"],
               sender="alice@demo.test")
        m.wait_remote()
        m.wait_mail("alice")
        by = {e["rcpt_to"]: e["event"] for e in m.events()
              if e["event"].startswith("dlv.") and "rcpt_to" in e and
              e["rcpt_to"][-1] == "t"}
        assert by["yes@e.test"] == "dlv.ok"
        assert by["no@e.test"] == "dlv.fail"
        assert by["later@e.test"] == "dlv.defer"
        m.sink.rules()
        m.ctl("queue", "retry", "age>0s", "--yes")
        m.wait_empty()
        assert len(m.sink.messages()) == 2


def it_takes_a_large_message_through_a_file():
    with Mtad("large") as m:
        line = "x" * 70 + "\n"
        m.send(["x@elsewhere.test", "alice@demo.test"],
               text="Subject: big\n\n" + line * 20000)
        got = m.wait_remote()[0]
        assert got.count("x" * 70) == 20000
        assert "Subject: big" in got and got.count("Received:") == 1
        assert m.wait_mail("alice")[0].count("x" * 70) == 20000
        m.wait_empty()
        wait_for("no body files in use", lambda: len(os.listdir(
            m.dir + "/spool/body")) <= 12)


def it_survives_the_death_of_each_process():
    with Mtad("storm") as m:
        sent = 0
        for name in ("mtad-queue", "mtad-smtpd", "mtad-remote", "mtad-lookup",
                     "mtad-local", "mtad-queue"):
            for i in range(5):
                m.send("x%d@elsewhere.test" % sent)
                sent += 1
            victim = m.children(name)[0]
            os.kill(victim, signal.SIGKILL)
            wait_for(name + " again", lambda: m.children(name)
                     and victim not in m.children(name))
            wait_for("service", lambda: can_send(m, sent))
            sent += 1
        m.wait_remote(sent)
        to = set()
        for text in m.sink.messages():
            to.add(text.split("RCPT TO:<")[1].split(">")[0])
        assert len(to) == sent, (len(to), sent)
        m.wait_empty()


def can_send(m, n):
    try:
        m.send("x%d@elsewhere.test" % n)
        return True
    except Exception:
        return False


def it_loses_nothing_by_kill_9_of_all():
    with Mtad("killall") as m:
        m.ctl("delivery", "hold", "test")
        for i in range(50):
            m.send("x%d@elsewhere.test" % i)
        m.kill_all()
        m.start()
        s = m.status()
        assert s["recovered"] == 50 and s["lost"] == 0, s
        assert "held" in s["state"]
        m.ctl("delivery", "release")
        m.wait_remote(50)
        m.wait_empty()
        assert len(m.sink.messages()) == 50
        assert m.events("sys.unclean")


if __name__ == "__main__":
    stories(sys.modules[__name__])
