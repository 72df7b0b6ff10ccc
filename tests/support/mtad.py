"""A whole mail system in a folder of its own, for the stories of tests/e2e.

Conditions are waited for, with a deadline; nothing sleeps for luck.
"""
import glob
import gzip
import io
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
IS_ROOT = os.geteuid() == 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, test, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = test()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError("gave up waiting for " + what)


class Sink:
    """The server next door (tests/support/sink.py)."""

    def __init__(self, folder):
        self.port, self.folder = free_port(), os.path.join(folder, "remote")
        self.script = os.path.join(folder, "script")
        self.proc = None

    def start(self):
        self.proc = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "sink.py"), str(self.port),
             self.folder, self.script])
        wait_for("the sink", lambda: can_connect(self.port))

    def stop(self):
        if self.proc:
            self.proc.kill()
            self.proc.wait()
            self.proc = None

    def rules(self, **rules):
        with open(self.script, "w") as f:
            for stage, reply in rules.items():
                f.write("%s %s\n" % (stage.replace("__", ":"), reply))

    def names(self):
        return sorted(glob.glob(self.folder + "/*[0-9]"))

    def messages(self):
        out = []
        for name in self.names():
            with open(name, "rb") as f:
                out.append(f.read().decode("latin1"))
        return out


def event(line):
    """Of a line that a killed writer left without its end only what another
    wrote behind it counts (mta-events(7))."""
    start = line.rfind('{"v":1,')
    try:
        return json.loads(line[start:]) if start >= 0 else None
    except ValueError:
        return None


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def processes():
    """(pid, name, parent) of all that run."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                head, _, tail = f.read().rpartition(")")
        except OSError:
            continue
        state, parent = tail.split()[:2]
        if state not in "ZX":
            yield int(pid), head.partition("(")[2], int(parent)


class Mtad:
    def __init__(self, name, extra="", trusted=True):
        base = "/var/tmp" if IS_ROOT else None
        self.dir = tempfile.mkdtemp(prefix="mtad-%s." % name, dir=base)
        os.chmod(self.dir, 0o755)
        self.prefix = os.environ["MTAD_PREFIX"]
        self.port = free_port()
        self.sink = Sink(self.dir)
        self.sink.start()
        self.proc = None
        owner = ""
        os.mkdir(self.dir + "/mail")
        if IS_ROOT:
            owner = "nobody"
            shutil.chown(self.dir + "/mail", "nobody")
        self.write("users", "alice\nbob\ncarol\n")
        self.write("aliases", "postmaster: alice@demo.test\n"
                   "team: alice@demo.test, bob@demo.test\n"
                   "away: carol@elsewhere.test\n")
        self.conf = """
HostName = "mx.demo.test"
QueueDirectory = "%(d)s/spool"
RunDirectory = "%(d)s/run"
LogDirectory = "%(d)s/log"
Syslog = ""
AliasFile = {"%(d)s/aliases"}
MinQueueAge = "1s"
%(trusted)s
listener "smtp" { Address = "127.0.0.1" Port = %(port)d }
listener "local" { Kind = "local" Path = "%(d)s/run/submission" }
virtual "demo.test" { Users = "%(d)s/users" Mailbox = "%(d)s/mail/$u/"
    User = "%(owner)s" }
route "dead.test" { Host = "[127.0.0.1]:1" }
route "*" { Host = "[127.0.0.1]:%(sink)d" }
%(extra)s
""" % {"d": self.dir, "port": self.port, "owner": owner, "extra": extra,
            "sink": self.sink.port,
            "trusted": "" if trusted else "TrustedNetworks = {}"}
        self.write("mtad.conf", self.conf)
        # with a sanitizer inside, the tools give back what they took
        self.env = dict(os.environ, MTAD_CONF=self.dir + "/mtad.conf",
                        ASAN_OPTIONS="detect_leaks=1")

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def launch(self):
        self.out = open(self.dir + "/out", "a")
        self.proc = subprocess.Popen(
            [self.prefix + "/sbin/mtad", "-F", "-f", self.dir + "/mtad.conf"],
            stdout=self.out, stderr=self.out)

    def start(self):
        self.launch()
        wait_for("mtad", self.is_up)
        return self

    def is_up(self):
        if self.proc.poll() is not None:
            raise AssertionError("mtad did not start: " + self.output())
        r = self.ctl("status", check=False)
        return r.returncode == 0 and can_connect(self.port)

    def output(self):
        with open(self.dir + "/out") as f:
            return f.read()

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(timeout=20)

    def kill_all(self):
        pids = [self.proc.pid] + self.children()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.proc.wait()

    def children(self, name=None):
        return [pid for pid, comm, parent in processes()
                if parent == self.proc.pid and name in (None, comm)]

    def close(self):
        self.stop()
        self.sink.stop()
        self.out.close()
        if sys.exc_info()[0] is None:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print("-- what mtad said:\n" + self.output()[-3000:])
        self.stop()
        self.sink.stop()
        self.out.close()
        if kind is None:
            for word in ("Sanitizer", "runtime error"):
                assert word not in self.output(), self.output()[-3000:]
            shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, program, *args, input=None, check=True, timeout=60, **kw):
        r = subprocess.run([os.path.join(self.prefix, program), *args],
                           input=input, text=True, capture_output=True,
                           env=self.env, timeout=timeout, **kw)
        if check and r.returncode != 0:
            raise AssertionError("%s %s: %d %s" % (program, args,
                                                   r.returncode, r.stderr))
        return r

    def ctl(self, *args, **kw):
        return self.run("bin/mtactl", *args, **kw)

    def sendmail(self, *args, input="", **kw):
        return self.run("libexec/mtad/sendmail", *args, input=input, **kw)

    def queue(self, *terms):
        out = self.ctl("-j", "queue", "list", *terms).stdout
        return [m for m in map(json.loads, out.splitlines()) if "id" in m]

    def status(self):
        return json.loads(self.ctl("-j", "status").stdout.splitlines()[0])

    def smtp(self):
        return smtplib.SMTP("127.0.0.1", self.port, timeout=30)

    def send(self, to, sender="friend@next.test", text="Subject: x\n\nx\n",
             mail=(), rcpt=()):
        with self.smtp() as s:
            s.ehlo()
            s.sendmail(sender, [to] if isinstance(to, str) else to, text,
                       mail_options=mail, rcpt_options=rcpt)

    def mailbox(self, user):
        out = []
        for name in glob.glob("%s/mail/%s/new/*" % (self.dir, user)):
            with open(name, "rb") as f:
                out.append(f.read().decode("latin1"))
        return out

    def wait_mail(self, user, n=1):
        wait_for("%d messages for %s" % (n, user),
                 lambda: len(self.mailbox(user)) >= n)
        return self.mailbox(user)

    def wait_remote(self, n=1):
        wait_for("%d messages next door" % n,
                 lambda: len(self.sink.messages()) >= n)
        return self.sink.messages()

    def wait_empty(self):
        wait_for("an empty queue", lambda: not self.queue())

    def events(self, name=None):
        out = []
        for path in sorted(glob.glob(self.dir + "/log/events.*.jsonl*")):
            try:
                with (gzip if path[-1] == "z" else io).open(path, "rt") as f:
                    out += filter(None, map(event, f))
            except (FileNotFoundError, EOFError):
                pass  # being packed: the plain one has been read
        return [e for e in out if name in (None, e["event"])]

    def raw(self, data, until=None):
        """Bytes in, all bytes out."""
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.settimeout(20)
            s.sendall(data)
            out = b""
            while until is None or until not in out:
                got = s.recv(65536)
                if not got:
                    break
                out += got
            return out


def wrap(m, program, words):
    """The programs of m's prefix again, these words of sh before one."""
    prefix, m.prefix = m.prefix, m.dir + "/programs"
    shutil.copytree(prefix, m.prefix, symlinks=True)
    path = "%s/libexec/mtad/%s" % (m.prefix, program)
    real = os.path.join(m.dir, "real", program)  # its name in ps stays
    os.mkdir(os.path.dirname(real))
    os.rename(path, real)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n%s exec %s \"$@\"\n" % (words, real))
    os.chmod(path, 0o755)


def preload(m, program, source, **env):
    """One of m's programs with this library inside."""
    library = m.dir + "/preload.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O", "-D_GNU_SOURCE", "-o",
                    library, source, "-ldl"], check=True)
    wrap(m, program, "".join("%s=%s " % row for row in env.items()) +
         "LD_PRELOAD=" + library)


def stories(module):
    """Run every story (a function whose name begins with it_)."""
    failed = []
    passed = 0
    only = sys.argv[1:]
    for name, fn in list(vars(module).items()):
        if not name.startswith("it_") or (only and name not in only):
            continue
        started = time.monotonic()
        try:
            fn()
            passed += 1
            print("ok   %s (%.1f s)" % (name, time.monotonic() - started),
                  flush=True)
        except Exception as e:
            failed.append(name)
            print("FAIL %s: %s: %s" % (name, type(e).__name__, e), flush=True)
    print("e2e %s: %d passed, %d failed" % (module.__file__.split("/")[-1],
                                            passed, len(failed)))
    sys.exit(1 if failed else 0)


def user_exists(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False
