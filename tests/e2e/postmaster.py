#!/usr/bin/env python3
"""What the postmaster and the machine's users do."""
import glob
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, stories, wait_for  # noqa: E402


def it_holds_deletes_and_takes_back():
    with Mtad("acts") as m:
        m.send("x@dead.test", sender="alice@demo.test")
        wait_for("a deferral", lambda: m.events("dlv.defer"))
        m.ctl("queue", "hold", "to:@dead.test", "--yes")
        assert m.queue()[0]["state"] == "held"
        m.ctl("queue", "release", "state:held", "--yes")
        out = m.ctl("queue", "delete", "to:@dead.test", "--yes").stdout
        assert m.queue()[0]["state"] == "deleted"
        number = out.split("queue undo ")[1].split()[0]
        m.ctl("queue", "undo", number)
        assert m.queue()[0]["state"] != "deleted"
        out = m.ctl("queue", "bounce", "to:@dead.test", "--yes").stdout
        assert m.queue()[0]["state"] == "bounced"
        m.kill_all()
        m.start()
        assert m.queue()[0]["state"] == "bounced"
        verbs = {e["op.verb"] for e in m.events("op.action")}
        assert {"hold", "release", "delete", "undo", "bounce"} <= verbs


def it_names_who_acted():
    with Mtad("who") as m:
        m.send("x@dead.test")
        m.env["SUDO_USER"] = "carol\n"
        m.ctl("queue", "hold", "age>0s", "--yes")
        who = m.events("op.action")[-1]["op.user"]
        assert who.startswith("carol? ("), who


def it_asks_before_it_acts():
    with Mtad("ask") as m:
        m.send("x@dead.test")
        r = m.ctl("queue", "delete", "age>0s", check=False, input="")
        assert r.returncode != 0 and "--yes" in r.stderr
        r = m.ctl("-n", "queue", "delete", "age>0s")
        assert "1 messages match" in r.stdout
        assert m.queue()[0]["state"] != "deleted"


def it_pauses_a_destination_over_a_restart():
    with Mtad("pause") as m:
        m.send("x@elsewhere.test")
        m.wait_remote()
        host = "[127.0.0.1]:%d" % m.sink.port
        m.ctl("hosts", "pause", host)
        m.send("y@elsewhere.test")
        m.kill_all()
        m.start()
        assert "paused" in m.ctl("hosts", "list").stdout
        assert len(m.queue()) == 1
        why = m.ctl("queue", "why", m.queue()[0]["id"]).stdout
        assert "paused by an operator" in why, why
        m.ctl("hosts", "resume", host)
        m.wait_remote(2)


def it_keeps_the_old_configuration_when_the_new_is_wrong():
    with Mtad("reload") as m:
        m.write("mtad.conf", m.conf + '\nMaxHopCout = 12\n'
                'MinQueueAge = "soon"\n')
        r = m.ctl("reload", "-s", m.dir + "/run/control", check=False)
        r = m.run("bin/mtactl", "-s", m.dir + "/run/control", "reload",
                  check=False)
        assert r.returncode == 1, r
        assert "did you mean MaxHopCount" in r.stderr, r.stderr
        m.write("mtad.conf", m.conf + '\nMaxMessageSize = "1KB"\n')
        m.ctl("reload")
        with m.smtp() as s:
            s.ehlo()
            assert s.esmtp_features["size"] == "1024"
        m.write("mtad.conf", m.conf + '\nMinQueueAge = "soon"\n'
                'MinQueueAge = "5m"\nMaxHopCount = 010\n')
        r = m.ctl("config", "check", check=False)
        assert "already set in line" in r.stderr
        assert "'010' is not right" in r.stderr


def it_defers_when_the_user_list_is_gone():
    with Mtad("gone") as m:
        os.rename(m.dir + "/users", m.dir + "/users.away")
        with m.smtp() as s:
            s.ehlo()
            s.mail("a@b.c")
            code = wait_for("451", lambda: s.rcpt("zed@demo.test")[0] == 451)
            assert code
            os.rename(m.dir + "/users.away", m.dir + "/users")
            wait_for("550", lambda: s.rcpt("zed@demo.test")[0] == 550)


def it_never_returns_the_postmasters_mail():
    with Mtad("postmaster", extra='Timeout.queuereturn = "1s"\n') as m:
        m.write("aliases", "team: bob@demo.test\n")
        m.ctl("reload")
        wait_for("the status to say so", lambda: "root and postmaster waits"
                 in m.status()["state"])
        m.send("postmaster@mx.demo.test", sender="alice@demo.test")
        m.send("x@dead.test", sender="bob@demo.test")
        m.wait_mail("bob")  # the other one is too old, and returned
        wait_for("three attempts", lambda: len(
            [e for e in m.events("dlv.defer")
             if e["rcpt_to"].startswith("postmaster")]) >= 3, 40)
        assert len(m.queue()) == 1 and not m.mailbox("alice")
        m.write("aliases", "postmaster: alice@demo.test\n")
        m.ctl("queue", "retry", "age>0s", "--yes")
        m.wait_mail("alice")
        m.wait_empty()
        m.ctl("reload")
        wait_for("root alone", lambda: "mail for root waits"
                 in m.status()["state"])


def it_gives_a_lists_errors_to_its_owner():
    with Mtad("owner") as m:
        m.write("aliases", "staff: x@elsewhere.test, bad@elsewhere.test,"
                " inner\ninner: carol@demo.test, worse@elsewhere.test,"
                " staff\n"
                "owner-staff: bob@demo.test\n")
        m.ctl("reload")
        m.sink.rules(**{"rcpt:bad@elsewhere.test": "550 5.1.1 gone",
                        "rcpt:worse@elsewhere.test": "550 5.1.1 gone too",
                        "rcpt:plain@elsewhere.test": "550 5.1.1 no"})
        m.ctl("delivery", "hold")
        m.send(["staff@mx.demo.test", "plain@elsewhere.test"],
               sender="alice@demo.test", mail=["ENVID=mine", "RET=HDRS"],
               rcpt=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;a+2Bb@c.d"])
        m.kill_all()
        m.start()
        m.ctl("delivery", "release")
        m.wait_mail("carol")
        m.wait_empty()
        # one a turn: the inner list may have been a later one
        theirs = "".join(m.mailbox("bob"))
        mine, = m.mailbox("alice")
        for who in ("bad@", "worse@"):
            assert "Final-Recipient: rfc822; " + who in theirs
            assert who not in mine
        assert "plain@" not in theirs and "plain@" in mine
        # nothing that the sender asked for goes over to the list
        assert "Original-" not in theirs, theirs
        assert "Original-Envelope-Id: mine" in mine
        assert "MAIL FROM:<bob@demo.test>" in m.wait_remote()[0]
        froms = {e["rcpt_to"]: e["mail_from"] for e in m.events()
                 if e["event"] in ("dlv.ok", "dlv.fail")}
        assert froms["x@elsewhere.test"] == "bob@demo.test"
        assert froms["plain@elsewhere.test"] == "alice@demo.test"
        assert m.events("rcpt.expand")[0]["kind"] == "list"
        # a list that names the one it stands in is expanded once
        made = [e["to"] for e in m.events("rcpt.expand")]
        assert sorted(made) == sorted(set(made)), made


def it_keeps_the_owner_when_mail_is_moved():
    lists = ("staff: x@dead.test\nowner-staff: bob@demo.test\n"
             "postmaster: carol@demo.test\n")
    with Mtad("owner-old") as old, \
            Mtad("owner-new", extra='UndoTime = "1s"\n') as new:
        for m in old, new:
            m.write("aliases", lists)
            m.ctl("reload")
        for sender in "alice@demo.test", "":
            old.send("staff@mx.demo.test", sender=sender)
        wait_for("deferrals", lambda: len(old.events("dlv.defer")) >= 2)
        old.ctl("queue", "export", old.dir + "/export")
        new.ctl("delivery", "hold")
        new.ctl("queue", "import", *glob.glob(old.dir + "/export/*.mtad"))
        new.kill_all()
        new.start()
        new.ctl("queue", "bounce", "age>0s", "--yes")
        new.ctl("delivery", "release")
        new.wait_mail("bob")
        new.wait_mail("carol")  # what had no sender gets no other
        new.wait_empty()
        assert len(new.mailbox("bob")) == 1 and not new.mailbox("alice")


def it_takes_mail_from_programs():
    with Mtad("sendmail") as m:
        m.sendmail("-t", "-f", "alice@demo.test", input=(
            "To: bob@demo.test\nBcc: carol@demo.test\nSubject: x\n\n"
            "one\n.\nnot this\n"))
        got = m.wait_mail("bob")[0]
        assert "not this" not in got and "Bcc" not in got
        assert "Message-ID: <" in got and "Date: " in got
        m.wait_mail("carol")
        m.sendmail("-i", "-f", "alice@demo.test", "team@mx.demo.test",
                   input="x\n.\nthis too\n")
        wait_for("bob's second", lambda: any(
            "this too" in t for t in m.mailbox("bob")))
        r = m.run("libexec/mtad/mailq")
        assert "empty" in r.stdout or "Total requests" in r.stdout
        r = m.run("libexec/mtad/newaliases")
        assert "3 aliases" in r.stdout
        r = m.sendmail("-t", input="Subject: nobody\n\nx\n", check=False)
        assert r.returncode == 64


def it_keeps_what_programs_send_while_it_is_down():
    with Mtad("drop") as m:
        m.stop()
        m.sendmail("-f", "alice@demo.test", "bob@demo.test", input="later\n")
        assert len(os.listdir(m.dir + "/spool/drop")) == 1
        m.start()
        assert "later" in m.wait_mail("bob")[0]
        wait_for("an empty drop folder",
                 lambda: not os.listdir(m.dir + "/spool/drop"))
        with open(m.dir + "/spool/drop/forged", "w") as f:
            f.write("mtad-drop 1\nF a\nR b\n\nnot whole")
        wait_for("a bad one aside", lambda: os.path.exists(
            m.dir + "/spool/drop/forged.bad"), 60)


def it_tells_strangers_only_of_their_own_mail():
    if not IS_ROOT:
        return
    with Mtad("privacy") as m:
        m.send("x@dead.test")
        m.sendmail("y@dead.test", input="mine\n")
        wait_for("two", lambda: len(m.queue()) == 2)

        def as_nobody(*args):
            return subprocess.run(
                ["setpriv", "--reuid", "nobody", "--clear-groups",
                 m.prefix + "/bin/mtactl", *args], env=m.env,
                capture_output=True, text=True)
        probe = as_nobody("status")
        if "Permission denied" in probe.stderr or probe.returncode == 127:
            print("     (the programs cannot be reached by another user)")
            return
        assert "0 of" in as_nobody("queue", "list").stdout
        r = as_nobody("queue", "delete", "age>0s", "--yes")
        assert r.returncode != 0 and "group mtaadmin" in r.stderr, r


def it_keeps_the_trust_table():
    """mtad/README's table, read back from /proc."""
    if not IS_ROOT:
        return
    want = {  # user, root folder is its own, seccomp, capabilities
        "mtad-smtpd": ("mtas", True, True),
        "mtad-remote": ("mtar", True, True),
        "mtad-queue": ("mtaq", True, True),
        "mtad-lookup": ("mtal", False, True),
        "mtad-local": ("root", False, False),
    }
    with Mtad("trust") as m:
        for name, (user, is_rooted, is_filtered) in want.items():
            for pid in m.children(name):
                status = {}
                with open("/proc/%d/status" % pid) as f:
                    for line in f:
                        key, _, value = line.partition(":")
                        status[key] = value.strip()
                who = subprocess.run(["ps", "-o", "user=", "-p", str(pid)],
                                     capture_output=True, text=True)
                assert who.stdout.strip() == user, (name, who.stdout)
                root = os.readlink("/proc/%d/root" % pid)
                assert (root != "/") == is_rooted, (name, root)
                assert (status["Seccomp"] == "2") == is_filtered, name
                if user != "root":
                    assert int(status["CapEff"], 16) == 0, name
                    assert status["NoNewPrivs"] == "1", name
                files = [os.readlink(p) for p in (
                    os.path.join("/proc/%d/fd" % pid, f)
                    for f in os.listdir("/proc/%d/fd" % pid))]
                spool = [f for f in files if f.startswith(m.dir + "/spool")]
                if name == "mtad-remote":
                    assert not spool, spool
                if name == "mtad-smtpd":
                    assert all("/segment/" in f or "/body/" in f
                               for f in spool), spool
        assert not m.events("sys.denied"), m.events("sys.denied")


def it_delivers_to_accounts_as_the_account():
    if not IS_ROOT:
        return
    user = "mtadtest"
    home = "/var/tmp/mtadtest-home"
    subprocess.run(["userdel", "-r", user], capture_output=True)
    subprocess.run(["useradd", "-m", "-d", home, user], check=True,
                   capture_output=True)
    try:
        box = "/var/tmp/mtadtest-mail"
        os.makedirs(box, exist_ok=True)
        os.chmod(box, 0o1777)
        with Mtad("account", extra='LocalMailbox = "%s/$u"\n' % box) as m:
            m.send("mtadtest@mx.demo.test", text="Subject: x\n\nFrom me\n")
            path = box + "/" + user
            wait_for("mbox", lambda: os.path.exists(path)
                     and os.path.getsize(path) > 0)
            text = open(path).read()
            assert text.startswith("From friend@next.test ")
            assert "\n>From me\n" in text
            uid = os.stat(path).st_uid
            assert uid == os.stat(home).st_uid
            # .forward, with a copy here
            forward = home + "/.forward"
            with open(forward, "w") as f:
                f.write("\\mtadtest, bob@demo.test\n")
            os.chown(forward, uid, -1)
            m.send("mtadtest@mx.demo.test", text="Subject: y\n\nagain\n")
            m.wait_mail("bob")
            wait_for("the copy", lambda: "again" in open(path).read())
            # one that others can write is not believed, and not ignored
            os.chmod(forward, 0o666)
            m.send("mtadtest@mx.demo.test", text="Subject: z\n\nthird\n")
            wait_for("a deferral", lambda: m.events("dlv.defer"))
            assert "written by others" in m.events("dlv.defer")[0]["text"]
            os.remove(forward)
            m.ctl("queue", "retry", "age>0s", "--yes")
            wait_for("third", lambda: "third" in open(path).read())
            # a program
            with open(home + "/.forward", "w") as f:
                f.write("|/bin/cat\n|/bin/missing x\n")
            os.chown(forward, uid, -1)
            m.send("mtadtest@mx.demo.test", text="Subject: p\n\nprog\n")
            wait_for("a missing program defers", lambda: [
                e for e in m.events("dlv.defer") if "is not there" in
                e["text"]])
            # a .forward that leads back to an alias of its owner
            m.write("aliases", "postmaster: alice@demo.test\n"
                    "circle: mtadtest\n")
            m.ctl("reload")
            with open(home + "/.forward", "w") as f:
                f.write("circle@mx.demo.test\n")
            os.chown(forward, uid, -1)
            m.send("circle@mx.demo.test", sender="alice@demo.test")
            assert "5.4.6" in m.wait_mail("alice")[0]
            # root has no alias: its mail waits
            m.sendmail("root", input="x\n")
            wait_for("root's mail waits", lambda: [
                e for e in m.events("dlv.defer") if "no alias" in e["text"]])
    finally:
        subprocess.run(["userdel", "-r", user], capture_output=True)
        subprocess.run(["rm", "-rf", "/var/tmp/mtadtest-mail"])


if __name__ == "__main__":
    stories(sys.modules[__name__])
