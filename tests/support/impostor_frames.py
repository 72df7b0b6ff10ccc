"""Every message between mtad's processes, read from proto.def, and the ways
to send each of them wrong. A row that is added there is attacked here.

A hint below says what a field of that name holds in an honest message; a field
without one is 0 or empty. There is no list of rows.
"""
import os
import re
import struct

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
INTS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}
FLOOD = 10000
NAMES = {"R_PARENT": "mtad", "R_QUEUE": "mtad-queue", "R_SMTPD": "mtad-smtpd",
         "R_REMOTE": "mtad-remote", "R_LOCAL": "mtad-local",
         "R_LOOKUP": "mtad-lookup"}
STRINGS = (b"\xff" * 200, b"a" * 70000, b"x\0y\r\n.\r\nRCPT TO:<z@z>")


def source(name):
    with open(os.path.join(TOP, name)) as f:
        return re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)


def sizes():
    """The numbers that the column `most` is made of."""
    text = "".join(map(source, ("mtad/sizes.h", "lib/chan.h", "lib/evlog.h")))
    rows = dict(re.findall(r"#define (\w+_\w+) (\(.*)", text))
    return {n: eval(e.replace("(size_t)", ""), {}) for n, e in rows.items()
            if re.fullmatch(r"(\(size_t\)|[\d()<+ ])+", e)}


class Row:
    def __init__(self, number, name, sender, to, phase, fd, most, fields):
        self.number, self.name = number, name
        self.sender, self.to = roles(sender), roles(to)
        self.phase, self.fd = phase.strip(), int(fd)
        self.most = eval(most, {}, SIZES)
        self.fields = re.findall(r"F\((\w+), (\w+)\)", fields)

    def put(self, **values):
        out = b""
        for kind, name in self.fields:
            value = values.get(name, HINTS.get(name))
            if kind == "str":
                out += put_str(value or b"")
            elif kind == "id":
                out += struct.pack("<3I", *(value or (0, 0, 0)))
            else:
                out += struct.pack("<" + INTS[kind], value or 0)
        return out

    def get(self, raw):
        """(fields, what is left)"""
        out = {}
        for kind, name in self.fields:
            code = {"str": "I", "id": "3I"}.get(kind) or INTS[kind]
            got = struct.unpack_from("<" + code, raw)
            raw = raw[struct.calcsize("<" + code):]
            out[name] = got if kind == "id" else got[0]
            if kind == "str":
                out[name], raw = raw[:got[0]], raw[got[0]:]
        return out, raw

    def all_of(self, raw):
        """One of these after the other."""
        out = []
        while raw:
            one, raw = self.get(raw)
            out.append(one)
        return out


def put_str(s):
    return struct.pack("<I", len(s)) + s


def verdict(code, text=b"so it is"):
    return (struct.pack("<HB", code, 0) + put_str(b"%d.0.0" % (code // 100)) +
            put_str(text))


def roles(words):
    """Programs that a set of roles names."""
    out = set()
    for word in words.replace(" ", "").split("|"):
        out |= (set(NAMES.values()) - {"mtad"} if word == "R_CHILDREN" else
                {NAMES[word]})
    return out


SIZES = sizes()
HINTS = {"ip": b"127.0.0.1", "local": b"alice", "domain": b"demo.test",
         "verdict": verdict(250), "path": b"/nowhere", "role": 2,
         "name": b"one.demo.test", "batch": 1}
ROLE_BITS = {NAMES[w]: int(n) for w, n in
             re.findall(r"(R_\w+) = (\d+)", source("mtad/proto.h"))}
TEXT = source("mtad/proto.def")
MSGS = [Row(i, *m) for i, m in enumerate(re.findall(
    r"^MSG\((\w+), \w+, ([^,]+), ([^,]+), (\w+), (\d), ([^,]+), (F.*)\)\s*$",
    TEXT, re.M))]
PARTS = {m[0]: Row(0, m[0], "R_PARENT", "R_PARENT", "ANY", "0", "0", m[1])
         for m in re.findall(r"^PART\((\w+), (F.*)\)\s*$", TEXT, re.M)}
BY_NAME = {r.name: r for r in MSGS}
assert len(MSGS) == len(re.findall(r"^MSG\(", TEXT, re.M)), "a row was missed"


def head(row, size, fds=0):
    return struct.pack("<IHH", size, row.number, fds)


def frame(row, fds=0, **values):
    row = BY_NAME[row] if isinstance(row, str) else row
    payload = row.put(**values)
    return head(row, len(payload), fds) + payload


class Attack:
    """Bytes that a process of this name sends to another. must_end: the
    receiver has to end the channel; else it may as well take them."""

    def __init__(self, sender, to, row, what, data, fds=0, must_end=False,
                 times=1, is_early=False):
        self.sender, self.to, self.row, self.what = sender, to, row, what
        self.data, self.fds, self.must_end = data, fds, must_end
        self.times, self.is_early = times, is_early

    def __str__(self):
        return "%s to %s: %s %s" % (self.sender, self.to, self.row.name,
                                    self.what)


def numbers(row):
    """Each integer at its limits."""
    for kind, name in row.fields:
        bits = {"id": 32, "i64": 63}.get(kind)
        if kind in INTS or kind == "id":
            bits = bits or struct.calcsize(INTS[kind]) * 8
            for v in (0, 1, 1 << min(31, bits - 1), (1 << bits) - 1):
                yield "%s %d" % (name, v), {name: (v, v, v) if kind == "id"
                                            else v}


def texts(row):
    for kind, name in row.fields:
        for s in STRINGS if kind == "str" else ():
            yield "%s of %d bytes" % (name, len(s)), {name: s}


def shapes(row):
    """(what, bytes, descriptors): what no honest sender makes."""
    good = row.put()
    n = len(good)
    if all(name == "unused" for _, name in row.fields):
        good = b""  # nobody looks at it
    else:
        yield "empty", head(row, 0), 0
        yield "cut", head(row, n - 1) + good[:-1], 0
        yield "with more behind it", head(row, n + 1) + good + b"x", 0
    n = len(good)
    yield "too long", head(row, row.most + 1) + good, 0
    yield "with a descriptor", head(row, n, 1) + good, 1
    yield "beside a descriptor", head(row, n) + good, 1
    yield "with two descriptors", head(row, n, 1) + good, 2
    yield "without its descriptor", head(row, n, 1) + good, 0
    yield "of many descriptors", head(row, n, 77) + good, 0


def attacks_on(sender, to):
    """Everything that a broken sender can say to that one."""
    for row in MSGS:
        if sender not in row.sender or to not in row.to:
            fds = int(row.fd == 1)
            is_bare = (row.number + len(to)) % 2  # seen by another check
            yield Attack(sender, to, row, "which is not its to say",
                         head(row, 0, fds) if is_bare else frame(row, fds),
                         fds, True)
            continue
        if to == "mtad" and row.phase == "RUN":
            yield Attack(sender, to, row, "too early", frame(row), 0, True,
                         is_early=True)
        for what, data, fds in shapes(row):
            yield Attack(sender, to, row, what, data, fds, True)
        for what, values in list(numbers(row)) + list(texts(row)):
            data = frame(row, **values)
            yield Attack(sender, to, row, "with " + what, data, 0,
                         len(data) - 8 > row.most)
        yield Attack(sender, to, row, "%d times" % FLOOD, frame(row) * 100,
                     times=FLOOD // 100)
