#!/usr/bin/env python3
"""What is taken at the door fits everywhere behind it.

Each limit, one below it, at it and one above it, by each way in: SMTP, the
sendmail command, a drop file (sendmail while the daemon is down), export and
import, and as what a notice returns. Either it is refused there, with words,
or it arrives whole; and a small message behind it arrives in any case.
"""
import email
import glob
import os
import smtplib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from mtad import Mtad, stories, wait_for  # noqa: E402

KB = 1024
CONF = """MaxMessageSize = "3MB"
MaxHeadersLength = "64KB"
LargeBodySize = "256KB"
MaxRecipientsPerMessage = 20000
"""


def message(name, header, size):
    """With so many bytes of header, its empty line among them (0: what it
    needs), and in all; CRLF."""
    head = "Subject: %s\r\nFrom: <a@next.test>\r\nTo: <x@y.test>\r\n" % name
    while len(head) < header - 80:
        head += "X: %s\r\n" % ("h" * 60)
    left = header - 2 - len(head) - 5
    if left > 0:
        head += "Z: %s\r\n" % ("z" * left)
    left = size - len(head) - 2
    lines, rest = divmod(left, 72)
    if rest in (1, 2):  # no line is as short
        lines, rest = lines - 1, rest + 72
    body = ("b" * 70 + "\r\n") * lines
    return head + "\r\n" + body + ("e" * (rest - 2) + "\r\n") * (rest > 0)


# name, bytes of header, bytes in all; refused: where it is too much already
ROWS = [(
    "%s%+d" % (what, off), header + off if header else 0,
    (size or 200 * KB) + (off if not header else 0),
    None if what == "file" else off > 0)
    for what, header, size in (("header", 64 * KB, 0),
                               ("file", 0, 256 * KB),
                               ("message", 0, 3 << 20))
    for off in (-1, 0, 1)]


class Arrivals:
    """What the sink and a mailbox have got, by Subject."""

    def __init__(self, m):
        self.m = m

    def bodies(self, name):
        out = []
        for text in self.m.sink.messages() + self.m.mailbox("alice"):
            text = text.replace("\r\n", "\n")
            if "\nSubject: %s\n" % name in "\n" + text:
                out.append(text.partition("\nFrom: <a@next.test>\n")[2])
        return out

    def whole(self, name, text, copies):
        want = text.replace("\r\n", "\n").partition(
            "\nFrom: <a@next.test>\n")[2]
        wait_for("%s, %d times" % (name, copies),
                 lambda: len(self.bodies(name)) >= copies, 30)
        assert all(b == want for b in self.bodies(name)), "%s: changed" % name


def by_smtp(m, name, text):
    try:
        with m.smtp() as s:
            s.ehlo("sizes.test")
            s.sendmail("a@next.test", ["x@elsewhere.test", "alice@demo.test"],
                       text)
        return True
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as e:
        assert 500 <= e.smtp_code < 600, e
        return False


def by_sendmail(m, name, text):
    r = m.run("libexec/mtad/sendmail", "-i", "-f", "a@next.test",
              "x@elsewhere.test", "alice@demo.test",
              input=text.replace("\r\n", "\n"), check=False)
    assert r.returncode in (0, 69), (r.returncode, r.stderr)
    return r.returncode == 0


def by_drop(m, name, text):
    m.stop()
    taken = by_sendmail(m, name, text)
    m.start()
    return taken


def small_ones_pass(m, seen):
    seen[0] += 1
    name = "small%d" % seen[0]
    by_smtp(m, name, message(name, 0, 300))
    wait_for("the small one behind it",
             lambda: len(Arrivals(m).bodies(name)) == 2)


def walk(way, rows=ROWS):
    seen, told = [0], []
    with Mtad("sizes", extra=CONF) as m:
        for name, header, size, is_refused in rows:
            text = message(name, header, size)
            taken = way(m, name, text)
            assert is_refused is None or taken != is_refused, (
                "%s of %d bytes was %s" % (
                    name, len(text), "taken" if taken else "refused"))
            if taken:
                Arrivals(m).whole(name, text, 2)
            small_ones_pass(m, seen)
            told.append("%s %s" % (name, "taken" if taken else "refused"))
        assert not m.events("spool.damage")
    print("     " + ", ".join(told))


def it_takes_by_smtp_what_fits():
    walk(by_smtp)


def it_takes_by_sendmail_what_fits():
    walk(by_sendmail)


def it_takes_from_drop_files_what_fits():
    walk(by_drop)


def it_returns_what_fits():
    """The notice of each, whole (RET=FULL), is mail like any other."""
    with Mtad("notices", extra=CONF) as m:
        m.sink.rules(rcpt="550 5.1.1 no such user")
        for name, header, size, is_refused in ROWS:
            if is_refused:
                continue
            before = len(m.mailbox("alice"))
            with m.smtp() as s:
                s.ehlo("sizes.test")
                s.sendmail("alice@demo.test", ["x@elsewhere.test"],
                           message(name, header, size), ["RET=FULL"])
            wait_for("a notice about " + name,
                     lambda: len(m.mailbox("alice")) > before)
            text = m.mailbox("alice")[-1]
            assert any("Subject: %s\n" % name in t
                       for t in m.mailbox("alice")), name
            parts = [p.get_content_type() for p in
                     email.message_from_string(text).walk()]
            assert "message/delivery-status" in parts, parts
        assert not m.events("spool.damage")


def it_takes_no_envelope_that_does_not_fit():
    """Long addresses with long ORCPTs, as many as there may be: the rest get
    452 and come again; what was taken is there, over a kill -9 too."""
    with Mtad("envelope", extra=CONF) as m:
        m.ctl("delivery", "hold", "sizes")
        local, rest = "o" * 40, "@" + "d" * 60 + "." + "e" * 60 + ".test"
        with m.smtp() as s:
            s.ehlo("sizes.test")
            s.docmd("MAIL FROM:<a@next.test>")
            lines = [("RCPT TO:<%s%05d%s> ORCPT=rfc822;%s%05d%s" % (
                local, i, rest, "p" * 300, i, rest)).encode()
                for i in range(20000)]
            codes = []
            for k in range(0, len(lines), 500):
                part = lines[k:k + 500]
                s.sock.sendall(b"\r\n".join(part) + b"\r\n")
                codes += [s.getreply()[0] for _ in part]
            taken = codes.count(250)
            assert codes[:taken] == [250] * taken and set(
                codes[taken:]) <= {452}, set(codes)
            assert s.docmd("DATA")[0] == 354
            s.send(b"Subject: all\r\n\r\nx\r\n.\r\n")
            assert s.getreply()[0] == 250
        assert 1000 < taken <= 20000, taken
        wait_for("them all", lambda: m.status()["recipients"] == taken)
        m.kill_all()
        m.start()
        assert m.status()["recipients"] == taken, m.status()
        m.sink.rules(rcpt="550 5.1.1 no such user")
        m.ctl("delivery", "release")
        wait_for("all of them to be over",
                 lambda: m.status()["messages"] == 0, 120)
        print("     %d of 20000 recipients taken, each with 430 bytes" % taken)


def it_exports_and_imports_what_fits():
    """A queue of all sizes at their limits moves to another spool."""
    kept = [r for r in ROWS if not r[3]]
    with Mtad("from", extra=CONF) as m, Mtad("to", extra=CONF) as other:
        m.ctl("delivery", "hold", "sizes")
        for name, header, size, _ in kept:
            assert by_smtp(m, name, message(name, header, size)), name
        wait_for("them all",
                 lambda: m.status()["messages"] == len(kept))
        os.mkdir(m.dir + "/moved")
        os.chmod(m.dir + "/moved", 0o777)
        m.ctl("queue", "export", m.dir + "/moved")
        other.ctl("queue", "import", *sorted(
            glob.glob(m.dir + "/moved/*.mtad")))
        for name, header, size, _ in kept:
            Arrivals(other).whole(name, message(name, header, size), 2)


if __name__ == "__main__":
    stories(sys.modules[__name__])
