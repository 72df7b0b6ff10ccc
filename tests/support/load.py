"""Clients that never rest, and letters that prove themselves.

Each letter carries its name and the checksum of its body; Load keeps a note
of every one that got its 250. What was delivered is read back by arrived().
"""
import glob
import hashlib
import os
import random
import re
import socket
import threading
import time

LINE = b"The quick brown fox jumps over the lazy dog, again and again. "
SIZES = (20, 20, 2000, 2000, 20000, 300000)  # the last one gets a body file


def letter(name, size):
    n = max(1, size // 70)
    body = b"".join(b"%s%06d\r\n" % (LINE, (i * 7919 + n) % 1000000)
                    for i in range(n))
    return b"Subject: %s\r\nX-Sum: %s\r\n\r\n%s" % (
        name.encode(), hashlib.sha1(body).hexdigest().encode(), body)


class Corrupt(Exception):
    pass


def name_of(raw, where):
    """The letter's name; Corrupt when it is not what was written."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\nReceived:")
    if not body:
        head, body = b"", raw.replace(b"\r\n", b"\n")
    head, _, body = body.partition(b"\n\n")
    name = re.search(rb"^Subject: (\S+)$", head, re.M)
    want = re.search(rb"^X-Sum: (\S+)$", head, re.M)
    got = hashlib.sha1(body.replace(b"\n", b"\r\n")).hexdigest().encode()
    if not name or not want or want.group(1) != got:
        raise Corrupt("%s is not what was sent" % where)
    return name.group(1).decode()


def arrived(m):
    """{name: [times]} of everything at the sink and in the mailboxes."""
    out = {}
    for path in (glob.glob(m.sink.folder + "/*[0-9]") +
                 glob.glob(m.dir + "/mail/*/new/*")):
        with open(path, "rb") as f:
            name = name_of(f.read(), path)
        out.setdefault(name, []).append(os.stat(path).st_mtime)
    return out


class Load:
    """N clients, each in one transaction after the other, until stop()."""

    def __init__(self, m, clients=28, to=("%s@elsewhere.test",
                                          "alice+%s@demo.test"), sizes=SIZES,
                 prefix=""):
        self.m, self.to, self.sizes, self.prefix = m, to, sizes, prefix
        self.acked = {}  # name: when its 250 came
        self.refused = {}  # name: the reply
        self.sent = 0
        self.lock = threading.Lock()
        self.is_over = False
        self.stage = ["away"] * clients  # away, mail, data, dot
        self.threads = [threading.Thread(target=self.run, args=(i,),
                                         daemon=True) for i in range(clients)]
        for t in self.threads:
            t.start()

    def count(self, *stages):
        return sum(s in stages for s in self.stage)

    def in_flight(self):
        return self.count("mail", "data", "dot")

    def stop(self):
        self.is_over = True
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), "a client hangs"

    def run(self, i):
        rng = random.Random(i)
        while not self.is_over:
            try:
                with socket.create_connection(("127.0.0.1", self.m.port),
                                              timeout=40) as s:
                    self.session(i, s, s.makefile("rb"), rng)
            except (OSError, EOFError):
                self.stage[i] = "away"
                time.sleep(0.01)  # it is being restarted

    def session(self, i, s, f, rng):
        self.reply(f)
        s.sendall(b"EHLO load.test\r\n")
        self.reply(f)
        while not self.is_over:
            with self.lock:
                self.sent += 1
                name = "%s%d-%d" % (self.prefix, i, self.sent)
            self.transaction(i, s, f, name, rng)
            self.stage[i] = "away"

    def transaction(self, i, s, f, name, rng):
        to = rng.choice(self.to) % name
        self.stage[i] = "mail"
        s.sendall(b"MAIL FROM:<a@next.test>\r\nRCPT TO:<%s>\r\nDATA\r\n"
                  % to.encode())
        replies = [self.reply(f) for _ in range(3)]
        if replies[2][:3] != b"354":
            self.refused[name] = replies[0]
            s.sendall(b"RSET\r\n")
            self.reply(f)
            time.sleep(0.05)
            return
        text = letter(name, rng.choice(self.sizes))
        self.stage[i] = "data"
        s.sendall(text[:len(text) // 2])
        s.sendall(text[len(text) // 2:] + b".\r\n")
        self.stage[i] = "dot"
        answer = self.reply(f)
        if answer[:3] == b"250":
            self.acked[name] = time.time()
        else:
            self.refused[name] = answer

    @staticmethod
    def reply(f):
        while True:
            line = f.readline()
            if line[3:4] != b"-":
                break
        if not line or line[:3] == b"421":
            raise EOFError
        return line
