#!/usr/bin/env python3
"""Queues that move from spool to spool, and spools that are looked at."""
import glob
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import Mtad, stories, wait_for  # noqa: E402


def picture(m):
    """Of each message its bytes, and of each recipient what became of it."""
    out = {}
    for q in m.queue():
        shown = m.ctl("-j", "queue", "show", q["id"]).stdout.splitlines()[0]
        rcpts = [(r["to"], r["state"], r["tries"] > 0)
                 for r in json.loads(shown)["rcpts"]]
        out[q["id"]] = (m.ctl("queue", "cat", q["id"]).stdout, rcpts)
    return out


def it_moves_a_queue_to_another_spool():
    """Ids, recipients' states and bytes are the same there; twice is
    refused; what was delivered is not delivered again."""
    with Mtad("from") as old, Mtad("to") as new:
        new.ctl("delivery", "hold", "not yet")
        old.send(["done@elsewhere.test", "late@dead.test"],
                 text="Subject: two\n\nbody\n")
        old.ctl("delivery", "hold", "it moves")
        old.send("x@elsewhere.test", text="Subject: large\n\n" + "z" * 900000)
        old.wait_remote()
        wait_for("a deferral", lambda: "deferred" in str(picture(old)))
        before = picture(old)
        assert len(before) == 2
        out = old.dir + "/export"
        said = old.ctl("queue", "export", out).stdout
        assert said.startswith("2 messages exported"), said
        files = sorted(glob.glob(out + "/*.mtad"))
        said = new.ctl("queue", "import", *files).stdout
        assert said == "2 of 2 messages imported\n", said
        again = new.ctl("queue", "import", files[0], check=False)
        assert again.returncode == 1 and "already" in again.stderr, again
        for _ in range(2):
            assert picture(new) == before
            new.kill_all()
            new.start()
        new.stop()
        assert "2 messages, 0 not whole" in new.ctl("queue", "check").stdout
        new.start()
        new.ctl("delivery", "release")
        new.wait_remote()
        assert "RCPT TO:<x@elsewhere.test>" in new.sink.messages()[0]
        wait_for("one left", lambda: len(new.queue()) == 1)


def it_moves_a_list_of_ten_thousand():
    with Mtad("many", extra="MaxRecipientsPerMessage = 20000\n") as m:
        m.ctl("delivery", "hold", "test")
        m.send(["member-of-a-long-list-%05d@elsewhere.test" % i
                for i in range(10000)])
        m.ctl("queue", "export", m.dir + "/export")
        before = picture(m)
        m.ctl("queue", "delete", "age>0s", "--yes")
        m.stop()
        shutil.rmtree(m.dir + "/spool")
        m.start()
        m.ctl("delivery", "hold", "test")
        m.ctl("queue", "import", *glob.glob(m.dir + "/export/*"))
        assert picture(m) == before


def it_takes_a_message_back_after_its_death():
    """What the journal says of an id's earlier life here does not touch the
    one that is imported again."""
    with Mtad("again", extra='GraveTime = "1s"\n') as m:
        m.send("late@dead.test", text="Subject: x\n\nbody\n")
        m.ctl("queue", "export", m.dir + "/export")
        before = picture(m)
        m.ctl("queue", "delete", "age>0s", "--yes")
        wait_for("its death", lambda: not m.queue())
        m.ctl("queue", "import", *glob.glob(m.dir + "/export/*"))
        for _ in range(2):
            assert picture(m).keys() == before.keys()
            m.kill_all()
            m.start()


def filled(m):
    """Segments that hold more than their head."""
    sizes = []
    for f in os.scandir(m.dir + "/spool/segment"):
        try:
            sizes.append(f.stat().st_size)
        except FileNotFoundError:
            pass
    return sum(size > 64 for size in sizes)


def told(m, ids):
    """Events of the books: how often each was told, and how often again."""
    out = {}
    for e in m.events():
        if e["event"] in ("msg.received", "dlv.ok", "msg.done"):
            key = (e["msg.id"], e["event"])
            first, again = out.get(key, (0, 0))
            out[key] = (first + 1, again + bool(e.get("retold")))
    return [out.get((i, e), (0, 0)) for i in ids
            for e in ("msg.received", "dlv.ok", "msg.done")]


def it_tells_again_what_a_crash_took():
    """Before the event file is synced a power cut may take its end: all is
    told again. Afterwards nothing is."""
    with Mtad("told") as m:
        m.send("first@elsewhere.test")
        m.wait_empty()
        first = m.events("msg.received")[0]["msg.id"]
        m.stop()
        m.start()
        m.send(["a@elsewhere.test", "b@elsewhere.test"])
        m.wait_empty()
        ids = [m.events("msg.received")[1]["msg.id"]]
        wait_for("the end told", lambda: told(m, ids)[2][0])
        m.kill_all()
        logs = sorted(glob.glob(m.dir + "/log/events.*"))
        os.truncate(logs[-1], 0)
        m.start()
        assert told(m, ids) == [(1, 1), (2, 2), (1, 1)], told(m, ids)
        assert told(m, [first]) == [(1, 0)] * 3
        # what is dead goes when all of it was told for sure
        wait_for("the dead segments gone", lambda: filled(m) == 0)
        n = len(m.events())
        m.kill_all()
        m.start()
        assert not [e for e in m.events()[n:] if e.get("retold")]


def it_draws_the_shape_of_the_queue():
    with Mtad("shape") as m:
        m.ctl("delivery", "hold", "test")
        for to in ("a@one.test", "b@one.test",
                   ["c@two.test", "d@two.test", "e@one.test"]):
            m.send(to)
        m.ctl("queue", "hold", "to:b@one.test", "--yes")
        m.stop()
        m.start()  # the first one comes at once, then each minute
        e = wait_for("a snapshot of three", lambda: [
            e for e in m.events("queue.snapshot") if e["count"] == 3])[0]
        cells = {(c["queue"], c["domain"], c["bucket"]):
                 (c["count"], c["rcpt_count"]) for c in e["queue"]}
        assert cells == {("new", "one.test", 0): (1, 2),
                         ("held", "one.test", 0): (1, 1),
                         ("new", "two.test", 0): (1, 2)}, cells
        assert e["rcpt_count"] == 5, e
        assert e["oldest"] == min(c["oldest"] for c in e["queue"])


def it_says_when_a_host_is_down():
    with Mtad("down", extra='Timeout.hoststatus = "1s"\n') as m:
        for i in range(5):
            m.send("x%d@dead.test" % i)
        down = wait_for("host.down", lambda: m.events("host.down"))[0]
        assert "127.0.0.1" in down["host.name"] and down["fails_count"] == 3
        assert down["text"] == "Connection refused", down
        wait_for("three more tries",
                 lambda: len(m.events("host.backoff")) >= 3, 10)
        assert not m.events("host.up")


def it_checks_a_spool_offline():
    with Mtad("check") as m:
        m.ctl("delivery", "hold", "test")
        m.send("x@elsewhere.test", text="Subject: x\n\nFINDME\n")
        m.send("y@elsewhere.test", text="Subject: y\n\n" + "z" * 900000)
        busy = m.ctl("queue", "check", check=False)
        assert busy.returncode == 2 and "an mtad runs" in busy.stderr, busy
        m.stop()
        good = m.ctl("queue", "check")
        assert good.stdout.startswith("2 messages, 0 not whole"), good
        copy = m.dir + "/copy"
        shutil.copytree(m.dir + "/spool", copy)
        for name in glob.glob(copy + "/segment/*"):
            with open(name, "r+b") as f:
                at = f.read().find(b"FINDME")
                if at >= 0:
                    f.seek(at)
                    f.write(b"f")
        for name in glob.glob(copy + "/body/*"):
            if os.path.getsize(name):
                with open(name, "r+b") as f:
                    f.seek(1000)
                    f.write(b"Z")
        bad = m.ctl("queue", "check", copy, check=False)
        assert bad.returncode == 1, bad
        assert "checksum does not fit" in bad.stdout, bad
        assert "its body file is not what was written" in bad.stdout, bad
        assert "2 messages, 2 not whole" in bad.stdout, bad
        m.start()




if __name__ == "__main__":
    stories(sys.modules[__name__])
