"""Processes of mtad that are ours: the parent starts a sleeper in the place of
one, and this takes the sleeper's channel to the parent (pidfd_getfd). So the
test is that process: it says what it wants, to whom it wants, and nobody has
to be broken into. The parent can end it as any other.

What a real one must do to be left alone (READY, HOLDING_END, answers) is done
in a thread; a story changes the manners, or makes one deaf.
"""
import array
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import termios
import threading
import time

from impostor_frames import MSGS, ROLE_BITS, frame

LIBC = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438
HEAD = 8
PROGRAM = {bit: name for name, bit in ROLE_BITS.items()}
# the words of sh before the real program: this one of them is ours
SLEEPER = 'case " %s " in *" $1 "*) echo "$$ $1" >%s; exec sleep 3600;; esac;'


def fd_of(pidfd, number):
    fd = LIBC.syscall(PIDFD_GETFD, pidfd, number, 0)
    return fd if fd >= 0 else None


class Channel:
    def __init__(self, fd):
        self.sock = socket.socket(fileno=fd)
        self.sock.setblocking(False)
        self.lock = threading.Lock()
        self.raw, self.fds, self.is_over = b"", [], False

    def send(self, data, fds=(), seconds=5):
        """False: it is over, or nobody reads."""
        until = time.monotonic() + seconds
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        with self.lock:
            while data:
                try:
                    n = self.sock.sendmsg([data], anc if fds else [],
                                          socket.MSG_NOSIGNAL)
                    data, fds = data[n:], ()
                except BlockingIOError:
                    wait = until - time.monotonic()
                    if wait <= 0 or not poll(self.sock, select.POLLOUT, wait):
                        return False
                except OSError:
                    self.is_over = True
                    return False
        return True

    def is_read(self):
        """The other side has taken all we sent, or is gone."""
        try:
            n = fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4)
        except (OSError, ValueError):
            return True
        return struct.unpack("i", n)[0] == 0

    def frames(self):
        """What came: (row, payload, descriptor or None)."""
        while not self.is_over and self.more():
            pass
        while len(self.raw) >= HEAD:
            n, kind, fds = struct.unpack_from("<IHH", self.raw)
            if len(self.raw) < HEAD + n:
                return
            payload = self.raw[HEAD:HEAD + n]
            self.raw = self.raw[HEAD + n:]
            yield MSGS[kind], payload, self.fds.pop(0) if fds else None

    def more(self):
        try:
            data, anc, _, _ = self.sock.recvmsg(1 << 16, 64)
        except BlockingIOError:
            return False
        except OSError:
            data, anc = b"", []
        for _, _, raw in anc:
            self.fds += array.array("i", raw[:len(raw) // 4 * 4])
        self.is_over = not data
        self.raw += data
        return bool(data)

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []
        self.sock.close()


def poll(sock, what, seconds):
    p = select.poll()
    p.register(sock, what)
    return p.poll(seconds * 1000)


class Impostor:
    """One life of one. peers: (program, index) to its channel."""

    def __init__(self, program, index, pid):
        self.program, self.index, self.pid = program, index, pid
        self.pidfd = os.pidfd_open(pid)
        self.parent = Channel(fd_of(self.pidfd, 3))
        self.peers, self.joins = {}, {}
        self.got = []  # (from whom, row, fields), the last ones
        self.files = []  # every descriptor that came with a frame, and whose
        self.is_running = self.is_deaf = self.is_early = False
        self.is_dead = False

    def channels(self):
        return {("mtad", 0): self.parent, **self.peers}

    def channel(self, to, index=0):
        return self.channels()[to, index]

    def say(self, to, row, index=0, fds=(), **values):
        return self.channel(to, index).send(
            frame(row, len(fds), **values), fds)

    def heard(self, row):
        return [f for _, r, f in list(self.got) if r.name == row]

    def end(self):
        """As a process that stops."""
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)
        except ProcessLookupError:
            pass

    def bury(self):
        self.is_dead = True
        for c in self.channels().values():
            c.close()
        for _, fd in self.files:
            os.close(fd)
        os.close(self.pidfd)


class Cast:
    """All impostors of one mtad, and the thread that keeps them alive.

    manners: name of a row to what is done with it, f(impostor, (program,
    index), fields). looks: f(impostor, row, payload, fd) sees all of it."""

    def __init__(self, program, fifo, looks):
        self.program, self.looks = program, looks
        os.mkfifo(fifo)
        self.fifo = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self.lives, self.early, self.faults = [], 0, []
        self.deaths = {}  # of each index since the start
        self.manners = {}
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over:
            try:
                self.turn()
            except Exception as e:  # the story says it
                self.faults.append(e)
                raise

    def turn(self):
        p, by_fd = select.poll(), {}
        p.register(self.fifo, select.POLLIN)
        for one in self.lives:
            p.register(one.pidfd, select.POLLIN)
            by_fd[one.pidfd] = one, None
            for peer, c in [] if one.is_deaf else one.channels().items():
                if not c.is_over:
                    p.register(c.sock, select.POLLIN)
                    by_fd[c.sock.fileno()] = one, peer
        for fd, _ in p.poll(20):
            if fd == self.fifo:
                self.born()
            elif by_fd[fd][1] is None:
                self.died(by_fd[fd][0])
            elif not by_fd[fd][0].is_dead:
                self.hear(*by_fd[fd])

    def born(self):
        for line in os.read(self.fifo, 4096).decode().splitlines():
            pid, index = map(int, line.split())
            try:
                one = Impostor(self.program, index, pid)
            except (ProcessLookupError, TypeError):
                continue  # it was ended at once
            one.is_early = self.early > 0
            self.early -= one.is_early
            self.lives.append(one)

    def died(self, one):
        self.lives.remove(one)
        self.deaths[one.index] = self.deaths.get(one.index, 0) + 1
        one.bury()

    def hear(self, one, peer):
        channel = one.channels().get(peer)
        for row, payload, fd in channel.frames() if channel else ():
            fields, _ = row.get(payload)
            self.looks(one, row, payload, fd)
            if row.name == "PEER":
                self.joined(one, fields, fd)
            elif fd is not None:
                one.files.append((row.name, fd))
            one.got = one.got[-500:] + [(peer, row, fields)]
            self.behave(one, peer, row, fields)

    def joined(self, one, fields, fd):
        peer = PROGRAM[fields["role"]], fields["index"]
        if peer in one.peers:
            one.peers[peer].close()
        one.peers[peer] = Channel(fd)
        one.joins[peer] = fields["join"]
        if one.is_running:
            self.greet(one, peer)

    def greet(self, one, peer):
        if one.program == "mtad-remote" and peer[0] == "mtad-queue":
            one.say(peer[0], "HOLDING_END")

    def behave(self, one, peer, row, fields):
        if row.name == "STATS" and not one.is_early:
            one.say("mtad", "READY")
        elif row.name == "GO":
            for p in one.peers:
                self.greet(one, p)
            one.is_running = True
        elif row.name == "CONF" and one.is_running:
            one.say("mtad", "RELOADED", ok=1)
        elif row.name == "STOP":
            one.end()
        elif self.manners.get(row.name):
            self.manners[row.name](one, peer, fields)

    def close(self):
        self.is_over = True
        self.thread.join(10)
        for one in self.lives:
            one.end()
            one.bury()
        os.close(self.fifo)
        assert not self.faults, self.faults


