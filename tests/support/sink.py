#!/usr/bin/env python3
"""A mail server for the demo and the tests: takes everything, keeps each
message as a file, and can be told to misbehave.

usage: sink.py PORT FOLDER [SCRIPT]

SCRIPT is a file of lines "STAGE REPLY" (STAGE: connect ehlo mail rcpt data
dot quit; or rcpt:ADDRESS): the reply for that stage instead of the usual one.
It is read at each connection, so that a test can change it. REPLY "close"
closes, "hang" says nothing; \\r, \\n and \\0 stand for these bytes;
"after SECONDS REPLY" is slow.
"""
import os
import socket
import sys
import threading
import time

USUAL = {
    "connect": "220 sink ESMTP",
    "ehlo": "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250 SIZE 100000000",
    "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go",
    "dot": "250 2.0.0 ok queued as SINK{n}", "quit": "221 2.0.0 bye",
}


def slowly(reply):
    """(seconds to wait, the reply itself)"""
    if not reply.startswith("after "):
        return 0, reply
    _, seconds, reply = reply.split(" ", 2)
    return float(seconds), reply


class Sink:
    def __init__(self, port, folder, script=None):
        self.folder, self.script, self.n = folder, script, 0
        self.lock = threading.Lock()
        os.makedirs(folder, exist_ok=True)
        self.sock = socket.create_server(("127.0.0.1", port), backlog=512)

    def rules(self):
        rules = dict(USUAL)
        if self.script and os.path.exists(self.script):
            with open(self.script) as f:
                for line in f:
                    stage, _, reply = line.rstrip("\n").partition(" ")
                    for code, byte in (("r", "\r"), ("n", "\n"), ("0", "\0")):
                        reply = reply.replace("\\" + code, byte)
                    rules[stage] = reply
        return rules

    def say(self, conn, text):
        seconds, text = slowly(text)
        time.sleep(seconds)
        if text == "close":
            raise ConnectionError
        if text == "hang":
            conn.recv(1)
            raise ConnectionError
        conn.sendall(text.encode() + b"\r\n")

    def serve(self, conn):
        try:
            self.dialogue(conn, conn.makefile("rb"))
        except (ConnectionError, OSError):
            pass
        finally:
            conn.close()

    def keep(self, envelope, body):
        with self.lock:
            self.n += 1
            name = os.path.join(self.folder, "%06d" % self.n)
        with open(name + ".tmp", "wb") as f:
            f.write(b"".join(e + b"\n" for e in envelope) + b"\n" + body)
        os.rename(name + ".tmp", name)

    def dialogue(self, conn, f):
        rules = self.rules()
        self.say(conn, rules["connect"])
        envelope = []
        for line in iter(f.readline, b""):
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO", b"LHLO"):
                self.say(conn, rules["ehlo"])
            elif word == b"MAIL":
                envelope = [line.strip()]
                self.say(conn, rules["mail"])
            elif word == b"RCPT":
                to = line.split(b"<")[1].split(b">")[0].decode()
                reply = rules.get("rcpt:" + to, rules["rcpt"])
                if slowly(reply)[1][:1] == "2":
                    envelope.append(line.strip())
                self.say(conn, reply)
            elif word == b"DATA":
                self.say(conn, rules["data"])
                if rules["data"][:3] != "354":
                    continue
                lines = []
                for line in iter(f.readline, b".\r\n"):
                    if line == b"":
                        raise ConnectionError
                    lines.append(line[1:] if line[:1] == b"." else line)
                if slowly(rules["dot"])[1][:1] == "2" and len(envelope) > 1:
                    self.keep(envelope, b"".join(lines))
                self.say(conn, rules["dot"].format(n=self.n))
            elif word == b"QUIT":
                self.say(conn, rules["quit"])
                return
            else:
                self.say(conn, "250 2.0.0 ok")

    def run(self):
        while True:
            conn, _ = self.sock.accept()
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(conn,),
                             daemon=True).start()


if __name__ == "__main__":
    Sink(int(sys.argv[1]), sys.argv[2],
         sys.argv[3] if len(sys.argv) > 3 else None).run()
