#!/usr/bin/env python3
"""postfix_day.py LINES [SEED]: a day of a Postfix relay's log on stdout.

The shapes are those of tests/data/foreign/postfix.log; the mix is that of a
busy site: most mail goes to few domains and comes from and to few people, some
is refused, some waits and is tried again, some returns. A host has one address.
Times rise over one day. The same arguments give the same log.
"""
import heapq
import random
import sys

DAY = 86400
HOST = "mail.example.org"
B52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
PROVIDERS = [f"{n}.example.{t}" for t in ("com", "net", "edu", "jp")
             for n in ("mail", "post", "box", "web", "campus", "city", "shop")]
DEFER = [
    ("4.7.28", "421", "[192.0.2.1] Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users, mail sent from it has been temporarily rate limited. {id} - rl"),
    ("4.7.1", "450", "<{to}>: Recipient address rejected: Greylisted, see https://grey.example.com/{id}"),
    ("4.2.2", "452", "<{to}>: Recipient's mailbox is over quota {n}"),
    ("4.3.2", "451", "Temporary server error. Please try again later. {id}"),
]
OWN_DEFER = [
    ("4.4.1", "connect to {mx}[{ip}]:25: Connection timed out"),
    ("4.4.1", "connect to {mx}[{ip}]:25: Connection refused"),
    ("4.4.2", "lost connection with {mx}[{ip}] while receiving the initial server greeting"),
    ("4.4.3", "Host or domain name not found. Name service error for name={dom} type=MX: Host not found, try again"),
]
BOUNCE = [
    ("5.1.1", "550", "<{to}>: Recipient address rejected: User unknown in virtual mailbox table"),
    ("5.1.1", "550", "The email account that you tried to reach does not exist. Please try double-checking the recipient's address for typos. https://support.example.com/?p=NoSuchUser {id} - gs"),
    ("5.7.1", "554", "Service unavailable; Client host [192.0.2.1] blocked using bl.example.com; https://bl.example.com/query?ip=192.0.2.1"),
    ("5.2.1", "550", "The account {id} is disabled"),
]
REJECT = [
    ("550 5.1.1", "Recipient address rejected: User unknown in local recipient table"),
    ("554 5.7.1", "Relay access denied"),
    ("450 4.7.1", "Recipient address rejected: Greylisted"),
    ("554 5.7.1", "Service unavailable; Client host [{ip}] blocked using zen.example.net"),
]


class Log:
    def __init__(self, lines, seed):
        self.r = random.Random(seed)
        self.left = lines
        self.rate = lines / 6.9 / DAY  # messages a second
        self.queue = []
        self.n = 0

    def at(self, t, tag, text):
        self.n += 1
        heapq.heappush(self.queue, (t, self.n, tag, text))

    def id(self):
        r = self.r
        return "4" + "".join(r.choice(B52) for _ in range(9)) + "z" + \
            "".join(r.choice(B52) for _ in range(3))

    def token(self):
        return "%012x" % self.r.getrandbits(48)

    def draw(self, most):
        """Small numbers are drawn far more often than large ones."""
        r = self.r
        return int(most * r.random() * r.random() * r.random())

    def client(self):
        n = self.draw(60000)
        ip = f"198.51.{n >> 8}.{n & 255}"
        return (f"unknown[{ip}]" if n % 5 == 0 else
                f"host{n}.{PROVIDERS[n % len(PROVIDERS)]}[{ip}]"), ip

    def server(self, dom):
        n = self.r.randrange(4)
        return f"mx{n}.{dom}", f"203.0.113.{PROVIDERS.index(dom) * 4 + n}"

    def words(self, text, to, dom):
        mx, ip = self.server(dom)
        return text.format(to=to, id=self.token(), dom=dom, mx=mx, ip=ip,
                           n=self.r.randrange(10**6))

    def refused(self, t, pid, client, ip):
        r = self.r
        code, text = r.choice(REJECT)
        to = f"user{self.draw(9000)}@example.org"
        frm = f"n{self.token()}@{r.choice(PROVIDERS)}"
        self.at(t + .2, f"smtpd[{pid}]",
                f"NOQUEUE: reject: RCPT from {client}: {code} <{to}>: "
                f"{text.format(ip=ip)}; from=<{frm}> to=<{to}> proto=ESMTP "
                f"helo=<h{r.randrange(999)}.example.net>")
        self.at(t + .4, f"smtpd[{pid}]",
                f"disconnect from {client} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4")

    def attempt(self, t, q, to, first):
        """One attempt; True when it is over."""
        r, dom = self.r, to.split("@")[1]
        pid, x = 20000 + r.randrange(60), r.random()
        a = t - first
        head = f"{q}: to=<{to}>, "
        if dom == "example.org":
            self.at(t, f"local[{pid}]", head + f"relay=local, delay={a + .03:.2g}, "
                    f"delays={a:.2g}/0.01/0/0.02, dsn=2.0.0, status=sent (delivered to mailbox)")
            return True
        mx = "%s[%s]" % self.server(dom)
        times = f"delay={a + 1.2:.2g}, delays={a:.2g}/0.01/{r.random():.2g}/{r.random():.2g}, "
        head += f"relay={mx}:25, {'conn_use=2, ' if r.random() < .1 else ''}"
        if x < .9:
            self.at(t, f"smtp[{pid}]", head + times + "dsn=2.0.0, status=sent "
                    f"(250 2.0.0 Ok: queued as {self.token().upper()})")
            return True
        if x < .94:
            dsn, code, text = r.choice(BOUNCE)
            self.at(t, f"smtp[{pid}]", head + times + f"dsn={dsn}, status=bounced "
                    f"(host {mx} said: {code} {dsn} {self.words(text, to, dom)} "
                    "(in reply to RCPT TO command))")
            return True
        if x < .98:
            dsn, code, text = r.choice(DEFER)
            self.at(t, f"smtp[{pid}]", head + times + f"dsn={dsn}, status=deferred "
                    f"(host {mx} said: {code} {dsn} {self.words(text, to, dom)} "
                    "(in reply to RCPT TO command))")
            return False
        dsn, text = r.choice(OWN_DEFER)
        self.at(t, f"smtp[{pid}]", f"{q}: to=<{to}>, relay=none, {times}dsn={dsn}, "
                f"status=deferred ({self.words(text, to, dom)})")
        return False

    def message(self, t, pid, client):
        r, q = self.r, self.id()
        n = self.draw(40000)
        frm = f"user{n}@{PROVIDERS[n % len(PROVIDERS)]}"
        rcpts = [f"rcpt{self.draw(90000)}@" + (
            "example.org" if r.random() < .3 else
            PROVIDERS[min(int(r.expovariate(.3)), len(PROVIDERS) - 1)])
            for _ in range(1 if r.random() < .85 else r.randrange(2, 6))]
        size = int(r.lognormvariate(9.5, 1.3)) + 400
        line = f"{q}: from=<{frm}>, size={size}, nrcpt={len(rcpts)} (queue active)"
        self.at(t + .1, f"smtpd[{pid}]", f"{q}: client={client}")
        self.at(t + .2, f"cleanup[{pid + 5000}]",
                f"{q}: message-id=<{self.token()}.{r.randrange(10**9)}@{frm.split('@')[1]}>")
        self.at(t + .3, "qmgr[900]", line)
        self.at(t + .5, f"smtpd[{pid}]", f"disconnect from {client} ehlo=1 mail=1 "
                f"rcpt={len(rcpts)} data=1 quit=1 commands={len(rcpts) + 4}")
        at = t + .6
        while rcpts and at < DAY:
            rcpts = [x for x in rcpts if not self.attempt(at, q, x, t)]
            if rcpts:
                at += r.randrange(300, 4000)
                self.at(at - .1, "qmgr[900]", line)
        if not rcpts:
            self.at(at + .1, "qmgr[900]", f"{q}: removed")

    def write(self, until):
        out = []
        while self.queue and self.queue[0][0] <= until and self.left > 0:
            t, _, tag, text = heapq.heappop(self.queue)
            t = min(int(t), DAY - 1)
            out.append(f"Nov 24 {t // 3600:02}:{t // 60 % 60:02}:{t % 60:02} "
                       f"{HOST} postfix/{tag}: {text}\n")
            self.left -= 1
        sys.stdout.write("".join(out))

    def run(self):
        t = 0.0
        while self.left > 0 and t < DAY:
            t += self.r.expovariate(self.rate)
            pid = 10000 + self.r.randrange(100)
            client, ip = self.client()
            self.at(t, f"smtpd[{pid}]", f"connect from {client}")
            if self.r.random() < .1:
                self.refused(t, pid, client, ip)
            else:
                self.message(t, pid, client)
            self.write(t)
        self.write(DAY * 9)


if __name__ == "__main__":
    Log(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1).run()
