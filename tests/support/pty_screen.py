"""A program in a pty of the test's own, and what a terminal would show of it.

Tmux (pty_tmux.py) is a terminal that others wrote; this one also records: every
byte with the time at which it came, so that paints and answers to keys are
measured, and what must never reach a terminal can be looked for.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

PIECE = re.compile(
    rb"\x1b\[([0-9;?<>=]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|"
    rb"\x1b[()#]([0-9A-Za-z])|\x1b([=>78DEMc])|([\x00-\x1a\x1c-\x1f])|"
    rb"([^\x00-\x1f\x1b]+)", re.S)


def width(c):
    if unicodedata.combining(c):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


class Screen:
    """Cells as the bytes make them."""

    def __init__(self, rows, cols):
        self.rows, self.cols = rows, cols
        self.y = self.x = 0
        self.top, self.end = 0, rows - 1
        self.saved = (0, 0)
        self.is_drawing = False  # the alternate character set
        self.unknown = set()
        self.rest = b""
        self.clear()

    def clear(self):
        self.cell = [[" "] * self.cols for _ in range(self.rows)]

    def text(self):
        return "\n".join("".join(r).rstrip() for r in self.cell)

    def feed(self, data):
        data, at = self.rest + data, 0
        while at < len(data):
            m = PIECE.match(data, at)
            if m is None or (m.group(6) and m.end() == len(data) and
                             not self.is_whole(m.group(6))):
                break
            at = m.end()
            if m.group(2):
                self.csi(m.group(1).decode(), m.group(2).decode())
            elif m.group(4):
                self.escape(m.group(4).decode())
            elif m.group(5):
                self.control(m.group(5))
            elif m.group(6):
                for c in m.group(6).decode("utf-8", "replace"):
                    self.put(c)
        self.rest = data[at:]

    @staticmethod
    def is_whole(text):
        try:
            text.decode()
            return True
        except UnicodeDecodeError as e:
            return e.reason != "unexpected end of data"

    def put(self, c):
        w = width(c)
        if w == 0:
            x = max(self.x - 1, 0)
            self.cell[self.y][x] += c
            return
        if self.x + w > self.cols:
            self.x = 0
            self.feed_line()
        self.cell[self.y][self.x] = c
        if w == 2:
            self.cell[self.y][self.x + 1] = ""
        self.x += w

    def feed_line(self):
        if self.y == self.end:
            self.scroll(1)
        elif self.y < self.rows - 1:
            self.y += 1

    def scroll(self, n):
        part = self.cell[self.top:self.end + 1]
        for _ in range(abs(n)):
            if n > 0:
                part = part[1:] + [[" "] * self.cols]
            else:
                part = [[" "] * self.cols] + part[:-1]
        self.cell[self.top:self.end + 1] = part

    def control(self, c):
        if c == b"\r":
            self.x = 0
        elif c in b"\n\x0b\x0c":
            self.feed_line()
        elif c == b"\b":
            self.x = max(min(self.x, self.cols - 1) - 1, 0)
        elif c == b"\t":
            self.x = min(self.x // 8 * 8 + 8, self.cols - 1)

    def escape(self, c):
        if c == "7":
            self.saved = (self.y, self.x)
        elif c == "8":
            self.y, self.x = self.saved
        elif c == "D":
            self.feed_line()
        elif c == "M":
            if self.y == self.top:
                self.scroll(-1)
            else:
                self.y = max(self.y - 1, 0)

    def csi(self, words, what):
        if words[:1] in ("?", ">", "<", "="):
            return
        v = [int(w) if w else 0 for w in words.split(";")]
        n = v[0] or 1
        row = self.cell[self.y]
        if what == "A":
            self.y = max(self.y - n, 0)
        elif what == "B":
            self.y = min(self.y + n, self.rows - 1)
        elif what == "C":
            self.x = min(self.x + n, self.cols - 1)
        elif what == "D":
            self.x = max(min(self.x, self.cols - 1) - n, 0)
        elif what == "G":
            self.x = min(n, self.cols) - 1
        elif what == "d":
            self.y = min(n, self.rows) - 1
        elif what in "Hf":
            self.y = min(n, self.rows) - 1
            self.x = min(v[1] or 1 if len(v) > 1 else 1, self.cols) - 1
        elif what == "J":
            if v[0] == 2:
                self.clear()
                return
            row[self.x:] = [" "] * (self.cols - self.x)
            for y in range(self.y + 1, self.rows):
                self.cell[y] = [" "] * self.cols
        elif what == "K":
            if v[0] == 0:
                row[self.x:] = [" "] * (self.cols - self.x)
            elif v[0] == 1:
                row[:self.x + 1] = [" "] * (self.x + 1)
            else:
                row[:] = [" "] * self.cols
        elif what == "X":
            n = min(n, self.cols - self.x)
            row[self.x:self.x + n] = [" "] * n
        elif what == "P":
            del row[self.x:self.x + n]
            row += [" "] * (self.cols - len(row))
        elif what == "@":
            row[self.x:self.x] = [" "] * n
            del row[self.cols:]
        elif what in "LM":
            top, self.top = self.top, self.y
            self.scroll(n if what == "M" else -n)
            self.top = top
        elif what in "ST":
            self.scroll(n if what == "S" else -n)
        elif what == "b":
            for _ in range(n):
                self.put(row[self.x - 1])
        elif what == "r":
            self.top = (v[0] or 1) - 1
            self.end = (v[1] if len(v) > 1 and v[1] else self.rows) - 1
            self.y = self.x = 0
        elif what not in "mhlcnt":
            self.unknown.add(what)


class Recorder:
    """The program in its pty."""

    def __init__(self, args, rows=24, cols=80, term="xterm-256color", env=()):
        clean = {k: v for k, v in os.environ.items()
                 if k not in ("LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR",
                              "LINES", "COLUMNS", "MTATOP_THEME")}
        clean.update(TERM=term, LC_ALL="C.UTF-8")
        clean.update(env)
        self.screen = Screen(rows, cols)
        self.record = []  # (time, bytes)
        self.begun = time.monotonic()
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, cols, 0, 0))
            os.execve(args[0], args, clean)
        # the child may not have come so far
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, seconds):
        """One piece of output; False: none came in that time, or it ended."""
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            return False
        self.record.append((time.monotonic(), data))
        self.screen.feed(data)
        return True

    def wait(self, *texts, seconds=20):
        """Until all texts are shown; how long that took."""
        begun = time.monotonic()
        while not all(t in self.screen.text() for t in texts):
            left = begun + seconds - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError("no %s on\n%s" % (texts,
                                                       self.screen.text()))
        return time.monotonic() - begun

    def keys(self, text):
        os.write(self.fd, text.encode() if isinstance(text, str) else text)

    def resize(self, rows, cols):
        self.screen = Screen(rows, cols)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))

    def raw(self):
        return b"".join(d for _, d in self.record)

    def cpu(self):
        """Seconds of processor time so far."""
        with open("/proc/%d/stat" % self.pid) as f:
            v = f.read().rpartition(")")[2].split()
        return (int(v[11]) + int(v[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            while self.read(5):
                pass
            self.status = os.waitpid(self.pid, 0)[1]
            os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
