#!/usr/bin/env python3
"""mtacollect among strangers: what one of them says costs the others nothing."""
import contextlib
import glob
import json
import os
import resource
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from collector import Collector  # noqa: E402
from mtad import Mtad, free_port, stories, wait_for  # noqa: E402

HONEST, STRANGER = "127.0.0.2", "127.0.0.3"


@contextlib.contextmanager
def listening(name, kinds, extra=""):
    """A collector that hears these kinds: (m, c, {kind: port or path})."""
    with Mtad(name) as m:
        at = {k: m.dir + "/" + k if k.startswith("unix") else free_port()
              for k in kinds}
        conf = ""
        for k, where in at.items():
            conf += 'source "%s" { Kind = "%s" %s %s }\n' % (
                k, k, 'Path = "%s"' % where if isinstance(where, str)
                else "Port = %d" % where, extra)
        with Collector(m, 'RoundRobin = "no"\n' + conf) as c:
            for k, where in at.items():
                if isinstance(where, str):
                    wait_for("a socket", lambda: os.path.exists(where))
                elif k != "udp":
                    wait_for("a port", lambda: is_open(where))
            yield m, c, at


def connect(port, who, timeout=20):
    s = socket.create_connection(("127.0.0.1", port), timeout, (who, 0))
    return s


def stamp(t=None):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z",
                         time.gmtime(time.time() if t is None else t))


def postfix(i, t=None, node="h.test", to="a@b.test"):
    return ("<22>1 %s %s postfix/smtp 7 - - 3F%06X: to=<%s>, "
            "relay=m.test[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, "
            "status=sent (250 ok)\n" % (stamp(t), node, i, to)).encode()


def event(name, seq=1, boot="0" * 32, t=None, **more):
    e = {"v": 1, "event": name, "time": stamp(t), "node": "mx.demo.test",
         "boot": boot, "seq": seq, "prog": "mtad-queue"}
    e.update(more)
    return json.dumps(e, separators=(",", ":")).encode() + b"\n"


def rows(c, sql):
    """Of all days together."""
    n = 0
    for path in glob.glob(c.store + "/ev-*.db"):
        with contextlib.closing(sqlite3.connect(
                "file:%s?mode=ro" % path, uri=True)) as db:
            with contextlib.suppress(sqlite3.OperationalError):  # being made
                n += db.execute(sql).fetchone()[0]
    return n


def it_makes_no_days_of_dates_that_are_made_up():
    with listening("dates", ["tcp", "udp", "unix"]) as (m, c, at):
        now = time.time()
        lines = [postfix(i, now - i * 86400) for i in range(1, 400)]
        lines += [postfix(i, i * 86400 * 365) for i in range(0, 129)]
        with connect(at["tcp"], STRANGER) as s:
            s.sendall(b"".join(lines))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as u:
            for line in lines[::7]:
                s.sendto(line, ("127.0.0.1", at["udp"]))
                u.sendto(line, at["unix"])
        with connect(at["tcp"], HONEST) as s:
            for i in range(50):
                s.sendall(postfix(i, to="honest%d@b.test" % i))
        wait_for("all of it", lambda: sum((
            c.totals()["delivered"],
            c.totals()["completeness"]["misdated"])) ==
            len(lines) + 50 + 2 * len(lines[::7]))
        days = glob.glob(c.store + "/ev-*.db")
        assert len(days) <= 17, days
        assert rows(c, "SELECT count(*) FROM addr WHERE s LIKE 'honest%'"
                    ) == 50
        t = c.totals()["completeness"]
        assert t["misdated"] > 400 and not t["complete"], t
        assert " misdated\n" in c.check()
        # an operator's import of an old log is as it ever was
        m.write("old.log", postfix(1, now - 3000 * 86400).decode()[6:].replace(
            "smtp 7 - -", "smtp[7]:"))
        before = c.totals()["delivered"]
        c.run("import", m.dir + "/old.log")
        assert c.totals()["delivered"] == before + 1


def it_believes_nobody_who_speaks_for_others():
    with listening("forged", ["tcp"]) as (m, c, at):
        m.send("alice@demo.test")
        m.wait_mail("alice")
        wait_for("its end", lambda: m.events("msg.done"))
        m.stop()
        wait_for("all events", lambda: c.totals()["events"] ==
                 len(m.events()))
        own = m.events("dlv.ok")[0]
        want = c.totals()
        assert want["completeness"]["complete"], want
        with connect(at["tcp"], STRANGER) as s:
            big = (1 << 64) - 1
            for seq in (own["seq"] + 1000, big, big // 2, 1 << 40):
                s.sendall(event("dlv.fail", seq, own["boot"],
                                **{"msg.id": own["msg.id"], "rcpt.id": 0}))
            s.sendall(event("log.gap", 7, own["boot"], to_seq=big // 2,
                            from_seq=1, **{"source.boot": own["boot"]}))
            for size in (big, big // 2, big // 2):
                s.sendall(event("msg.received", 0, "", size_bytes=size))
                wait_for("a line", lambda: c.totals() != want)
            s.sendall(event("msg.received", 0, "", size_bytes=5))
        t = wait_for("the last", lambda: c.totals()["received"] ==
                     want["received"] + 1 and c.totals())
        assert t["delivered"] == want["delivered"], t
        assert t["bytes_in"] == want["bytes_in"] + 5, t
        assert t["completeness"]["days_unread"] == 0, t
        # numbers far from its others are not its either
        assert t["completeness"]["missing"] == 0, t
        assert t["completeness"]["cut"] == 1, t
        assert t["completeness"]["unparsed"] >= 5, t
        life, = [json.loads(x) for x in c.trace(
            "--id", own["msg.id"], "--json").splitlines()
            if json.loads(x)["node"] == own["node"]]
        assert "dlv.fail" not in json.dumps(life), life
        assert json.loads(c.run("ledger", "--json").stdout)[
            "imbalances"] == 0
        c.check()


def memory(c):
    with open("/proc/%d/status" % c.proc.pid) as f:
        return int(f.read().split("VmRSS:")[1].split()[0]) >> 10


def it_has_room_for_so_many_names():
    with listening("names", ["tcp"], "MaxLinesPerSecond = 1000000") as (
            m, c, at):
        n = 120000
        with connect(at["tcp"], STRANGER, 60) as s:
            for i in range(0, n, 1000):
                s.sendall(b"".join(
                    postfix(k, node="n%d.test" % k, to="u%d@d%d.test" %
                            (k, k)) for k in range(i, i + 1000)))
        t = wait_for("all of it", lambda: c.totals()["delivered"] +
                     c.totals()["completeness"]["refused"] == n and
                     c.totals(), 120)
        assert t["completeness"]["cut"] > n - 5000, t
        assert rows(c, "SELECT count(*) FROM writer") < 4500
        assert rows(c, "SELECT count(*) FROM domain") <= 100001
        assert memory(c) < 500, memory(c)
        with connect(at["tcp"], HONEST) as s:
            s.sendall(b"".join(postfix(k, node="m%d.test" % k,
                                       to="h%d@e%d.test" % (k, k))
                               for k in range(500)))
        wait_for("the honest", lambda: rows(
            c, "SELECT count(*) FROM domain WHERE s LIKE 'e%'") == 500)
        assert rows(c, "SELECT count(*) FROM word WHERE s LIKE 'm%.test via "
                    "%'") == 500


def shut(s, seconds=20):
    """Closed by the other side within this."""
    s.settimeout(seconds)
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True


def it_keeps_places_for_those_who_speak():
    with listening("places", ["tcp", "unixstream"],
                   'MaxConnections = 8 MaxConnectionsPerClient = 8 '
                   'LineTimeout = "2s"') as (m, c, at):
        with contextlib.ExitStack() as all_:
            silent = [all_.enter_context(connect(at["tcp"], STRANGER))
                      for _ in range(8)]
            with connect(at["tcp"], HONEST) as s:
                s.sendall(postfix(1))
                wait_for("its line", lambda: c.totals()["delivered"] == 1,
                         1.5)
            assert all(shut(s) for s in silent)
        with contextlib.ExitStack() as all_:
            for _ in range(8):
                u = all_.enter_context(socket.socket(socket.AF_UNIX))
                u.connect(at["unixstream"])
            with socket.socket(socket.AF_UNIX) as u:
                u.connect(at["unixstream"])
                assert shut(u)  # one user has no more than one address


def it_waits_for_no_handshake_for_long():
    with Mtad("handshake") as m:
        port = free_port()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", m.dir + "/key", "-out", m.dir + "/crt", "-subj",
             "/CN=localhost", "-days", "2"], check=True, capture_output=True)
        with Collector(m, 'source "t" { Kind = "tls" Port = %d '
                       'Certificate = "%s/crt" Key = "%s/key" '
                       'LineTimeout = "2s" }\n' % (port, m.dir, m.dir)) as c:
            wait_for("the port", lambda: is_open(port))
            begun = connect(port, STRANGER)
            begun.sendall(b"\x16\x03\x01\x02\x00\x01")
            silent = connect(port, STRANGER)
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
            done = ctx.wrap_socket(connect(port, STRANGER))
            good = ctx.wrap_socket(connect(port, HONEST))
            good.sendall(postfix(1))
            assert shut(begun) and shut(silent) and shut(done)
            good.sendall(postfix(2))  # who spoke may be silent
            wait_for("both", lambda: c.totals()["delivered"] == 2)


def is_open(port):
    with contextlib.suppress(ConnectionRefusedError):
        connect(port, HONEST).close()
        return True
    return False


def it_shows_its_page_whoever_waits():
    with Mtad("page") as m:
        port = free_port()
        with Collector(m, 'MetricsPort = %d\n' % port):
            wait_for("the page", lambda: is_open(port))
            visitors = [connect(port, STRANGER) for _ in range(32)]
            for who in (HONEST, STRANGER):
                with connect(port, who) as s:
                    s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
                    s.settimeout(2)
                    assert s.recv(12) == b"HTTP/1.1 200"
            for s in visitors:  # and the others go soon
                assert shut(s, 8)


def it_gives_each_peer_its_turn():
    with listening("turns", ["tcp"]) as (m, c, at):
        over = threading.Event()
        # each line looks through all that was told of one message again
        line = event("dlv.ok", 0, "", retold=True, attempt=1,
                     **{"msg.id": "Q1", "rcpt.id": 1})

        def shout():
            with contextlib.suppress(OSError), \
                    connect(at["tcp"], STRANGER) as s:
                while not over.is_set():
                    s.sendall(line * 200)
        shouters = [threading.Thread(target=shout) for _ in range(6)]
        try:
            for t in shouters:
                t.start()
            wait_for("some of theirs", lambda: rows(
                c, "SELECT count(*) FROM ev") > 0, 30)
            with connect(at["tcp"], HONEST) as s:
                for i in range(5):
                    began = time.monotonic()
                    s.sendall(postfix(i, to="honest%d@b.test" % i))
                    wait_for("the honest one", lambda: rows(
                        c, "SELECT count(*) FROM addr WHERE s LIKE "
                        "'honest%'") == i + 1, 1.5)
                    print("   heard after %.2f s" %
                          (time.monotonic() - began))
        finally:
            over.set()
            for t in shouters:
                t.join()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    stories(sys.modules[__name__])
