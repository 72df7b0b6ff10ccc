#!/usr/bin/env python3
"""What one local user costs the others: nothing that they would feel.

He lets his program sleep, stops mtad's process of his, holds his mailbox's
locks, hides processes from the limit; alone, and with others who do so too.
Root: the users are real ones, made here and removed.
"""
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import IS_ROOT, Mtad, stories, wait_for  # noqa: E402

BAR = 2.0  # seconds that the mail of others may take
SLEEP = "#!/bin/sh\nexec sleep 600\n"
STOP = "#!/bin/sh\nkill -STOP $PPID\nexec sleep 600\n"
HIDE = """#!/usr/bin/python3
import os, signal, sys, time
def twice():
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
how = sys.argv[1]
if how == "group":
    os.setpgid(0, os.getpgid(os.getppid()))
elif how == "session":
    if os.fork() == 0:
        os.setsid()
elif how == "twice":
    if os.fork() == 0:
        twice()
elif how == "stopped":
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
elif how == "left":  # and the program itself is content
    if os.fork():
        sys.exit(0)
    twice()
elif how == "deep":
    while os.fork() == 0 and len(sys.argv) < 12:
        sys.argv.append("x")
        os.setsid()
for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(sig, signal.SIG_IGN)
time.sleep(600)
"""


def processes_of(user):
    """(pid, name), the agents of mtad left out."""
    uid = pwd.getpwnam(user).pw_uid
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat("/proc/" + pid).st_uid != uid:
                with open("/proc/%s/status" % pid) as f:
                    status = f.read()
                if "\nUid:\t%d\t" % uid not in status:
                    continue
            with open("/proc/%s/stat" % pid) as f:
                name, state = f.read().partition("(")[2].rpartition(")")[::2]
        except OSError:
            continue
        if state.split()[0] not in "ZX":
            yield int(pid), name


def programs_of(user):
    return [pid for pid, name in processes_of(user) if name != "mtad-local"]


class Town(Mtad):
    """A host with n users; theirs are the first, and one more is nice."""

    def __init__(self, n, extra="", box="$u", wait=None):
        super().__init__("fair", extra='LocalDomains = {"town.test"}\n'
                         'LocalMailbox = "%%/%s"\n%s' % (box, extra))
        self.boxes = self.dir + "/box"
        self.box = box
        os.mkdir(self.boxes)
        shutil.chown(self.boxes, "root", "mail")
        os.chmod(self.boxes, 0o2775)
        for word, path in (("%/", self.boxes + "/"), (
                "%U", self.dir + "/users"), ("%M", self.dir + "/mail")):
            self.conf = self.conf.replace(word, path)
        if wait:  # before what was deferred is tried again
            self.conf = self.conf.replace('"1s"', '"%s"' % wait, 1)
        self.write("mtad.conf", self.conf)
        self.users = ["mtadfair%d" % i for i in range(n)]
        self.nice = "mtadfairnice"
        self.holders = []

    def make_users(self):
        for user in self.users + [self.nice]:
            subprocess.run(["userdel", user], capture_output=True)
            subprocess.run(["useradd", "-M", "-N", "-d", self.home(user),
                            user], check=True, capture_output=True)
            os.mkdir(self.home(user))
            self.own(user, self.home(user))

    def remove_users(self):
        for user in self.users + [self.nice]:
            subprocess.run(["userdel", user], capture_output=True)

    def home(self, user):
        return "%s/%s" % (self.dir, user)

    def own(self, user, path):
        os.chown(path, pwd.getpwnam(user).pw_uid, -1)

    def put(self, user, name, text, mode=0o644):
        path = os.path.join(self.home(user), name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        self.own(user, path)
        return path

    def program(self, user, text, args=""):
        path = self.put(user, "program", text, 0o755)
        self.put(user, ".forward", '"|%s %s"\n' % (path, args))

    def mail(self, user, n=1):
        with self.smtp() as s:
            s.ehlo("town.test")
            for _ in range(n):
                s.sendmail("a@next.test", [user + "@town.test"],
                           "Subject: x\r\n\r\nx\r\n")

    def got(self, user):
        if self.box[-1] == "/":
            new = self.home(user) + "/Maildir/new"
            return len(os.listdir(new)) if os.path.isdir(new) else 0
        path = os.path.join(self.boxes, user)
        try:
            with open(path) as f:
                return f.read().count("\nDelivered-To: ")
        except OSError:
            return 0

    def others_wait(self, n=3):
        before, started = self.got(self.nice), time.monotonic()
        self.mail(self.nice, n)
        wait_for("the mail of others",
                 lambda: self.got(self.nice) == before + n, 40)
        return time.monotonic() - started

    def texts(self, name="dlv.defer", to=""):
        return [e["text"] for e in self.events(name)
                if to in e.get("rcpt_to", "")]

    def hold(self, user, how):
        """The user's own process holds his mailbox's lock."""
        path = os.path.join(self.boxes, user)
        if how == "dot":
            open(path + ".lock", "w").close()
            self.own(user, path + ".lock")
            return
        call = {"fcntl": "lockf", "flock": "flock"}[how]
        self.holders.append(subprocess.Popen(
            ["/usr/bin/python3", "-c", "import fcntl, sys, time\n"
             "f = open(sys.argv[1], 'r+')\n"
             "fcntl.%s(f, fcntl.LOCK_EX)\nprint('held', flush=True)\n"
             "time.sleep(600)" % call, path],
            user=user, stdout=subprocess.PIPE))
        assert b"held" in self.holders[-1].stdout.readline()

    def __enter__(self):
        try:
            self.make_users()
            return super().__enter__()
        except BaseException:
            self.sink.stop()
            self.remove_users()
            raise

    def __exit__(self, *failure):
        for user in self.users:
            shutil.rmtree(self.home(user), ignore_errors=True)
            if os.path.exists(os.path.join(self.boxes, user) + ".lock"):
                os.unlink(os.path.join(self.boxes, user) + ".lock")
        for p in self.holders:
            p.kill()
            p.wait()
            p.stdout.close()

        def end():
            left = [pid for u in self.users for pid, _ in processes_of(u)]
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not left
        try:
            wait_for("an end of their processes", end)
            super().__exit__(*failure)
        finally:
            end()
            self.remove_users()


def check(what, seconds):
    print("     %-34s the mail of others took %.2f s" % (what, seconds),
          flush=True)
    assert seconds < BAR, "%s: %.1f s" % (what, seconds)


def it_does_not_feel_one_who_lets_his_program_sleep():
    with Town(1, "LocalConcurrency = 40\n") as m:
        m.program(m.users[0], SLEEP)
        m.mail(m.users[0], 40)
        wait_for("his program", lambda: programs_of(m.users[0]))
        check("sleep, 40 messages:", m.others_wait())
    with Town(1) as m:
        m.program(m.users[0], SLEEP)
        m.mail(m.users[0], 1500)
        check("sleep, 1500 messages:", m.others_wait())
        assert len(programs_of(m.users[0])) <= 4


def it_does_not_feel_one_who_stops_his_delivery():
    with Town(1) as m:
        m.program(m.users[0], STOP)
        m.mail(m.users[0], 300)
        check("stop, 300 messages:", m.others_wait())
        wait_for("the stopped ones' end", lambda: [
            t for t in m.texts() if "was stopped" in t])


def it_does_not_feel_one_who_holds_his_mailbox():
    for how in ("fcntl", "dot", "flock"):
        with Town(1) as m:
            m.mail(m.users[0], 20)  # he is known as one who gets along
            wait_for("his mail", lambda: m.got(m.users[0]) == 20)
            m.hold(m.users[0], how)
            m.mail(m.users[0], 400)
            check(how + " lock, 400 messages:", m.others_wait())


def it_does_not_feel_a_virtual_mailbox_that_is_locked():
    """All of a domain's mailboxes are one account's."""
    with Town(0, 'virtual "many.test" { Users = "%U" Mailbox = "%M/$u" '
              'User = "nobody" }\n') as m:
        box = m.dir + "/mail/"
        open(box + "alice.lock", "w").close()
        with m.smtp() as s:
            s.ehlo("town.test")
            for _ in range(300):
                s.sendmail("a@next.test", ["alice@many.test"], "\r\nx\r\n")
            started = time.monotonic()
            s.sendmail("a@next.test", ["bob@many.test"], "\r\nx\r\n")
        wait_for("bob's mail", lambda: os.path.exists(box + "bob") and
                 os.path.getsize(box + "bob"))
        check("a virtual mailbox, 300 messages:",
              time.monotonic() - started)
        os.unlink(box + "alice.lock")


def it_does_not_feel_ten_of_them():
    with Town(10) as m:
        for user in m.users[:5]:
            m.program(user, SLEEP)
        for user in m.users[5:8]:
            m.program(user, STOP)
        for user in m.users[8:]:
            m.mail(user)
            wait_for("a mailbox", lambda: m.got(user) == 1)
            m.hold(user, "dot")
        for user in m.users:  # one after the other: the hardest order
            m.mail(user, 60)
        check("ten blocked, 60 messages each:", m.others_wait())
        time_of_burst(m)


def it_does_not_feel_more_of_them_than_there_are_processes():
    with Town(130) as m:
        for user in m.users:
            m.program(user, SLEEP)
            m.mail(user, 2)
        check("130 blocked, 2 messages each:", m.others_wait())


def time_of_burst(m, n=500):
    """Who gets along is not sent away, no matter how much it is."""
    started, before = time.monotonic(), m.got(m.nice)
    m.mail(m.nice, n)
    wait_for("the burst", lambda: m.got(m.nice) == before + n, 60)
    print("     a burst of %d to one mailbox beside them: %.2f s" % (
        n, time.monotonic() - started), flush=True)
    assert not m.texts(to=m.nice), m.texts(to=m.nice)[:1]


def it_takes_a_burst_as_it_comes():
    for box in ("$u", "../$u/Maildir/"):
        with Town(0, box=box) as m:
            time_of_burst(m, 1000)


def it_ends_all_that_a_program_started():
    for how in ("group", "session", "twice", "stopped", "deep"):
        with Town(1, 'ProgramTimeout = "1s"\n', wait="1h") as m:
            m.program(m.users[0], HIDE, how)
            m.mail(m.users[0])
            wait_for("the program", lambda: programs_of(m.users[0]))
            wait_for("its end", lambda: "too long" in
                     "".join(m.texts(to=m.users[0])))
            wait_for(how + ": nothing left",
                     lambda: not programs_of(m.users[0]), 5)


def it_ends_the_programs_of_a_stopped_delivery():
    with Town(1, wait="1h") as m:
        m.program(m.users[0], HIDE.replace(
            "how = sys", "agent = os.getppid()\nhow = sys").replace(
            "for sig", "os.kill(agent, signal.SIGSTOP)\nfor sig"), "twice")
        m.mail(m.users[0])
        wait_for("the end", lambda: "was stopped" in "".join(m.texts()))
        wait_for("nothing left", lambda: not programs_of(m.users[0]), 5)


def it_leaves_what_a_content_program_left_until_its_time():
    with Town(1, 'ProgramTimeout = "3s"\n') as m:
        m.program(m.users[0], HIDE, "left")
        started = time.monotonic()
        m.mail(m.users[0])
        wait_for("the delivery", lambda: m.events("dlv.ok"))
        assert time.monotonic() - started < 3
        assert programs_of(m.users[0]), "it was ended with its program"
        wait_for("its end", lambda: not programs_of(m.users[0]), 10)
        # and so many at most
        m.mail(m.users[0], 40)
        wait_for("40 deliveries", lambda: len(m.events("dlv.ok")) == 41)
        wait_for("an end of the first", lambda:
                 len(programs_of(m.users[0])) <= 17, 2)


if __name__ == "__main__":
    if not IS_ROOT:
        print("e2e local_fair.py: needs root, 0 passed, 0 failed")
        sys.exit(0)
    stories(sys.modules[__name__])
