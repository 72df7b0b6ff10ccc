#!/usr/bin/env python3
"""No descriptors left, no memory left: refused politely, and over when it is
over. Memory needs root (a cgroup of its own)."""
import os
import smtplib
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from load import Load, arrived  # noqa: E402
from mtad import IS_ROOT, Mtad, stories, wait_for, wrap  # noqa: E402

MEMORY = "/sys/fs/cgroup/memory"


class Limited(Mtad):
    """One program runs under a ulimit, and may not die of it."""

    def __init__(self, program, limit):
        super().__init__("limit", extra="SmtpdProcesses = 1\n"
                         "RemoteProcesses = 1\n")
        self.limited = program
        wrap(self, program, "ulimit %s;" % limit)

    def __enter__(self):
        super().__enter__()
        self.pids = self.children(self.limited)
        return self

    def flows_again(self):
        wait_for("mail to flow again", lambda: takes(self, "bob@demo.test"))
        self.ctl("hosts", "retry", "*", check=False)
        self.ctl("queue", "retry", "age>0s", "--yes", check=False)
        self.wait_empty()
        assert self.children(self.limited) == self.pids, "it died of it"


def takes(m, to, text="Subject: x\n\nx\n"):
    """250, or 4yz; anything else is an error."""
    try:
        m.send(to, text=text)
        return True
    except smtplib.SMTPResponseException as e:
        assert e.smtp_code // 100 == 4, e
    except smtplib.SMTPRecipientsRefused as e:
        assert all(code // 100 == 4 for code, _ in e.recipients.values()), e
    except OSError:
        pass
    return False


def it_has_no_descriptor_for_a_client():
    """Clients wait until others have gone; none is thrown out."""
    with Limited("mtad-smtpd", "-n 40") as m:
        socks = [socket.create_connection(("127.0.0.1", m.port))
                 for _ in range(60)]
        for s in socks:
            s.settimeout(20)
        greeted = []
        for s in socks:
            s.sendall(b"QUIT\r\n")
            greeted.append(s.recv(3))
            s.close()
        assert greeted == [b"220"] * 60, greeted
        m.flows_again()


def it_has_no_descriptor_for_the_queue():
    """Control connections took them all: mail that needs a new segment or a
    body file waits or gets 4yz."""
    with Limited("mtad-queue", "-n 48") as m:
        socks = []
        for _ in range(60):
            s = socket.socket(socket.AF_UNIX)
            s.connect(m.dir + "/run/control")
            socks.append(s)
        got = [takes(m, "x@elsewhere.test", "Subject: x\n\n" +
                     ("y" * 70 + "\n") * 6000) for _ in range(16)]
        print("     %d of %d large letters taken meanwhile" % (
            sum(got), len(got)))
        for s in socks:
            s.close()
        m.flows_again()
        assert len(m.sink.names()) == sum(got)


def it_has_no_descriptor_for_a_server():
    with Limited("mtad-remote", "-n 14") as m:
        m.sink.rules(dot="after 0.05 250 2.0.0 ok")
        for i in range(40):
            m.send("x%d@elsewhere.test" % i)
        wait_for("each to be tried", lambda: len(
            {e["msg.id"] for e in m.events()
             if e["event"] in ("dlv.ok", "dlv.defer")}) >= 40, 60)
        assert not m.events("dlv.fail")
        m.flows_again()
        assert len(m.sink.names()) == 40


def it_has_little_memory_for_large_letters():
    """24 clients with up to 8 MB each, in 26 MB of address space."""
    with Limited("mtad-smtpd", "-v 26000") as m:
        m.ctl("delivery", "hold", "not now")
        load = Load(m, clients=24, sizes=(200000, 2000000, 8000000))
        wait_for("much mail", lambda: load.sent > 150, 60)
        load.stop()
        m.ctl("delivery", "release")
        m.wait_empty()
        got = arrived(m)
        print("     %d answered 250, %d refused" % (
            len(load.acked), len(load.refused)))
        assert set(load.acked) <= set(got)
        assert all(r[:1] == b"4" for r in load.refused.values())
        m.flows_again()


class Group:
    """A memory cgroup of its own; its processes are moved out at the end."""

    def __init__(self, pids, most):
        self.path = MEMORY + "/mtad-test.%d" % os.getpid()
        os.mkdir(self.path)
        self.write("memory.limit_in_bytes", most)
        for pid in pids:
            self.write("cgroup.procs", pid)

    def write(self, name, value):
        with open(self.path + "/" + name, "w") as f:
            f.write(str(value))

    def read(self, name):
        with open(self.path + "/" + name) as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        for pid in self.read("cgroup.procs").split():
            with open(MEMORY + "/cgroup.procs", "w") as f:
                f.write(pid)
        wait_for("an empty group", lambda: not self.read("cgroup.procs"))
        os.rmdir(self.path)


def it_loses_nothing_when_memory_runs_out():
    """All of mtad at its limit: the kernel may kill what asks for more."""
    if not IS_ROOT or not os.path.exists(MEMORY + "/cgroup.procs"):
        return
    with Mtad("memory") as m:
        m.ctl("delivery", "hold", "all of it stays in the queue")
        used = sum(resident(pid) for pid in m.children())
        with Group([m.proc.pid] + m.children(), used + (4 << 20)) as group:
            load = Load(m, sizes=(20000, 300000, 3000000))
            wait_for("the limit", lambda: int(
                group.read("memory.failcnt")) > 100, 60)
            group.write("memory.limit_in_bytes", 1 << 40)
            acked = len(load.acked)
            wait_for("more mail", lambda: len(load.acked) > acked + 20, 60)
            load.stop()
            m.ctl("delivery", "release")
            wait_for("the queue to drain", lambda: not m.queue(), 120)
            got = arrived(m)
        dead = [e["prog.name"] for e in m.events("sys.child")]
        print("     %d answered 250, %d refused, %d arrived; killed: %s" % (
            len(load.acked), len(load.refused), len(got), dead or "none"))
        assert set(load.acked) <= set(got)
        assert all(r[:1] == b"4" for r in load.refused.values())


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * 4096


if __name__ == "__main__":
    stories(sys.modules[__name__])
