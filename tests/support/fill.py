"""Many messages at once: whole transactions, pipelined (BDAT needs no answer in
between)."""
import socket
import time

BATCH, SOCKETS = 100, 20


def reply(s):
    got = b""
    while not got.endswith(b"\n") or got.split(b"\r\n")[-2][3:4] == b"-":
        got += s.recv(4096)
    return got


def connect(port):
    sockets = [socket.create_connection(("127.0.0.1", port))
               for _ in range(SOCKETS)]
    for s in sockets:
        reply(s)
        s.sendall(b"EHLO next.test\r\n")
        reply(s)
    return sockets


def fill(sockets, start, n, destinations):
    """n messages, from number start on; how many a second were taken."""
    body = b"Subject: x\r\n\r\n" + b"x" * 384 + b"\r\n"
    one = b"MAIL FROM:<a%%d@next.test>\r\nRCPT TO:<b@d%%d.test>\r\n" \
          b"BDAT %d LAST\r\n%s" % (len(body), body)
    begun, done = time.monotonic(), start
    while done < start + n:
        for s in sockets:
            s.sendall(b"".join(one % (done + i, (done + i) % destinations)
                               for i in range(BATCH)))
            done += BATCH
        for s in sockets:
            lines = 0
            while lines < 3 * BATCH:
                got = s.recv(65536)
                assert got and b"\r\n4" not in got and b"\r\n5" not in got, got
                lines += got.count(b"\n")
    return n / (time.monotonic() - begun)
