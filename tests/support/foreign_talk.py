#!/usr/bin/env python3
"""The world around a mailer whose log is wanted: see foreign_logs.sh.

foreign_talk.py log FILE traditional|iso   syslog's socket, written as a syslog
                                           daemon writes it
foreign_talk.py sink IP PORT [lmtp]        a server; the local part decides
foreign_talk.py milter PORT                a filter that refuses what is named so
foreign_talk.py mail SOURCE SERVER FROM TO[,TO] [KEY=VALUE...]
    one dialogue. helo= subject= size= header= esmtp=(parameters of MAIL)
    end=quit|drop|rset (drop: where, see at=) at=connect|helo|mail|rcpt|data|dot
    tls=1 junk=TEXT (said before HELO) port= notify=
"""
import datetime
import os
import re
import socket
import socketserver
import ssl
import struct
import sys


def log(path, style):
    if os.path.exists("/dev/log"):
        os.unlink("/dev/log")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    host = socket.gethostname()
    with open(path, "wb", buffering=0) as out:
        while True:
            line = s.recv(65536).rstrip(b"\n\0")
            text = re.sub(rb"^<\d+>(... [ \d]\d \d\d:\d\d:\d\d )?", b"", line)
            now = datetime.datetime.now().astimezone()
            stamp = (now.isoformat() if style == "iso"
                     else now.strftime("%b %e %H:%M:%S"))
            out.write(b"%s %s %s\n" % (stamp.encode(), host.encode(), text))


# What the sink says to RCPT, by the local part.
ANSWERS = {
    "later": b"450 4.7.1 <%s>: Greylisted, see https://example.com/grey?id=a1b2c3d4e5\r\n",
    "no": b"550 5.1.1 <%s>: Recipient address rejected: User unknown\r\n",
    "full": b"452 4.2.2 <%s>: Over quota\r\n",
    "spam": b"554-5.7.1 <%s>: Message blocked using dnsbl.example.com;\r\n"
            b"554 5.7.1 see https://example.com/blocked\r\n",
}


class Sink(socketserver.StreamRequestHandler):
    count = 0

    def say(self, text):
        self.wfile.write(text)

    def handle(self):
        self.say(b"220 mx.example.com ESMTP\r\n")
        self.taken = []
        for line in self.rfile:
            verb = line[:4].upper()
            if verb in (b"EHLO", b"LHLO"):
                self.say(b"250-mx.example.com\r\n250-8BITMIME\r\n250-DSN\r\n"
                         b"250 ENHANCEDSTATUSCODES\r\n")
            elif verb == b"RCPT" and not self.rcpt(line):
                return
            elif verb == b"DATA":
                self.data()
            elif verb == b"QUIT":
                self.say(b"221 2.0.0 Bye\r\n")
                return
            elif verb != b"RCPT":
                self.taken = [] if verb == b"MAIL" else self.taken
                self.say(b"250 2.0.0 Ok\r\n")

    def rcpt(self, line):
        address = re.search(rb"<(.*?)>", line).group(1)
        local = address.split(b"@")[0].decode()
        if local == "drop":
            return False
        if local in ANSWERS:
            self.say(ANSWERS[local] % address)
        else:
            self.taken.append(address)
            self.say(b"250 2.1.5 Ok\r\n")
        return True

    def data(self):
        if not self.taken:
            self.say(b"554 5.5.1 Error: no valid recipients\r\n")
            return
        self.say(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        for line in self.rfile:
            if line == b".\r\n":
                break
        for _ in self.taken if self.server.is_lmtp else [0]:
            Sink.count += 1
            self.say(b"250 2.0.0 Ok: queued as 4Sq%05dXyZ\r\n" % Sink.count)


def sink(ip, port, kind="smtp"):
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        is_lmtp = kind == "lmtp"

    Server((ip, int(port)), Sink).serve_forever()


class Filter(socketserver.StreamRequestHandler):
    """The milter protocol, as far as one that looks and refuses needs it."""

    def say(self, answer):
        self.wfile.write(struct.pack(">I", len(answer)) + answer)

    def handle(self):
        self.subject = b""
        while True:
            head = self.rfile.read(4)
            if len(head) < 4:
                return
            packet = self.rfile.read(struct.unpack(">I", head)[0])
            kind, data = packet[:1], packet[1:]
            if kind == b"O":  # what we may do, and that we see everything
                version, actions, _ = struct.unpack(">III", data)
                self.say(b"O" + struct.pack(">III", min(version, 6), actions & 0x20, 0))
            elif kind == b"Q":
                return
            elif kind not in (b"D", b"A", b"K"):
                self.step(kind, data)

    def step(self, kind, data):
        if kind == b"L" and data.lower().startswith(b"subject\0"):
            self.subject = data.split(b"\0")[1].strip()
        if kind == b"M" and b"filtered@" in data:
            self.say(b"r")
        elif kind == b"R" and b"filtered@" in data:
            self.say(b"y550 5.7.1 no mail for it, says a filter\0")
        elif kind == b"E" and self.subject == b"filter-refuse":
            self.say(b"y554 5.7.1 not this, says a filter\0")
        elif kind == b"E" and self.subject == b"filter-temp":
            self.say(b"t")
        elif kind == b"E" and self.subject == b"filter-discard":
            self.say(b"d")
        else:
            if kind == b"E" and self.subject == b"filter-hold":
                self.say(b"qlook at it\0")
            self.say(b"c")


def milter(port):
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    Server(("127.0.0.1", int(port)), Filter).serve_forever()


class Dialogue:
    def __init__(self, source, server, port):
        self.s = socket.create_connection((server, int(port)), 30, (source, 0))
        self.f = self.s.makefile("rb")

    def reply(self):
        while True:
            line = self.f.readline()
            if line[3:4] != b"-":
                break
        print(line.decode(errors="replace").rstrip(), flush=True)
        return line[:1]

    def say(self, text):
        self.s.sendall(text.encode() + b"\r\n")
        return self.reply()

    def tls(self):
        self.say("STARTTLS")
        c = ssl.create_default_context()
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        self.s = c.wrap_socket(self.s)
        self.f = self.s.makefile("rb")


def message(sender, rcpts, o):
    head = (f"From: <{sender}>\r\nTo: {', '.join(rcpts)}\r\n"
            f"Subject: {o.get('subject', 'a test')}\r\n"
            f"Message-ID: <{o.get('id', o.get('subject', 'test'))}@client.example.net>\r\n")
    if "header" in o:
        head += o["header"] + "\r\n"
    line = "x" * 70 + "\r\n"
    return head + "\r\n" + line * (int(o.get("size", 500)) // 72 + 1) + "."


def mail(source, server, sender, rcpts, *options):
    o = dict(x.split("=", 1) for x in options)
    rcpts = rcpts.split(",") if rcpts else []
    at, end = o.get("at", "dot"), o.get("end", "quit")
    d = Dialogue(source, server, o.get("port", 25))
    steps = {
        "connect": lambda: d.say(o["junk"]) if "junk" in o else d.reply(),
        "helo": lambda: d.say("EHLO " + o.get("helo", "client.example.net")),
        "mail": lambda: d.say(f"MAIL FROM:<{sender}> {o.get('esmtp', '')}".rstrip()),
        "rcpt": lambda: [d.say(f"RCPT TO:<{r}> {o.get('notify', '')}".rstrip()) for r in rcpts],
        "data": lambda: d.say("DATA"),
        "dot": lambda: d.say(message(sender, rcpts, o)),
    }
    for name, step in steps.items():
        got = step()
        if name == at or got in (b"5", b"4", b""):
            break
        if name == "helo" and "tls" in o:
            d.tls()
            steps["helo"]()
    if end == "quit":
        d.say("QUIT")
    elif end == "rset":
        d.say("RSET")
        d.say("QUIT")
    d.s.close()


if __name__ == "__main__":
    {"log": log, "sink": sink, "mail": mail, "milter": milter}[sys.argv[1]](*sys.argv[2:])
