#!/usr/bin/env python3
"""mta-events(7) and mta-stat(7) from lib/event.def, lib/stat.def and the
sources: an event's fields are those that the code that makes it sets.

usage: event_man.py events|stat TOP > page
"""
import glob
import os
import re
import sys

FUNCTION = re.compile(r'^(\w+)\(([^{;]*?)\)\n\{\n(.*?)^\}', re.S | re.M)
KINDS = {"STR": "text", "NUM": "number", "BOOL": "true", "TIME": "time",
         "JSON": "object"}
COMMON = ["v", "event", "time", "mono_us", "node", "instance", "boot", "seq",
          "prog", "pid", "severity"]


def rows(path, kind):
    """[[column, ...], ...] of the rows KIND(...) in a .def file."""
    with open(path) as f:
        text = f.read()
    out = []
    for row in re.findall(r'^%s\((.*)\)$' % kind, text, re.M):
        columns = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]+),?', row)
        out.append([c.strip('"') for c in columns])
    return out


def functions(top):
    """{name: [(file, parameters, body), ...]} of all programs."""
    out = {}
    for pattern in ("lib/*.c", "mtad/*.c", "mtad/*/*.c"):
        for path in sorted(glob.glob(os.path.join(top, pattern))):
            with open(path) as f:
                for name, params, body in FUNCTION.findall(f.read()):
                    out.setdefault(name, []).append((path, params, body))
    return out


def takes_event(params):
    return "struct event *" in params or "enum event_type" in params


def fields_of(all_functions, path, body, seen):
    """Fields set in a body and in what it hands an event to. A function of
    the same file stands before those of others."""
    out = set(re.findall(r'\bF_([A-Z0-9_]+)\b', body))
    for name in set(re.findall(r'\b(\w+)\(', body)) - seen:
        found = [f for f in all_functions.get(name, []) if takes_event(f[1])]
        here = [f for f in found if f[0] == path]
        for p, _, b in here or found:
            if not name.startswith("evlog"):
                out |= fields_of(all_functions, p, b, seen | {name})
    return out


def event_fields(top):
    """{EVENT_ID: {FIELD_ID, ...}} as the code has it."""
    all_functions = functions(top)
    out = {}
    # a function that only chooses an event speaks for those that call it
    choosers = {}
    for name, found in all_functions.items():
        for path, _, body in found:
            events = set(re.findall(r'\bEV_([A-Z_]+)\b', body))
            if events and not re.search(r'\bF_|event_(?!type)', body):
                choosers[path, name] = events
    for name, found in all_functions.items():
        for path, _, body in found:
            events = set(re.findall(r'\bEV_([A-Z_]+)\b', body))
            for (where, chooser), chosen in choosers.items():
                if where == path and re.search(r'\b%s\(' % chooser, body):
                    events |= chosen
            for event in events:
                out.setdefault(event, set()).update(
                    fields_of(all_functions, path, body, {name}))
    return out


def clean(s):
    s = s.replace('\\', '\\e')
    return '\\&' + s if s and s[0] in ".'" else s


def sentence(s):
    return s[0].upper() + s[1:] + "."


HEAD = r'''.\" Made from %s by tests/support/event_man.py.
.Dd November 24, 2026
.Dt %s 7
.Os
.Sh NAME
'''

EVENTS = r'''.Nm mta-events
.Nd what mtad says of what happens
.Sh DESCRIPTION
Everything that
.Xr mtad 8
does is an event.
Events are written to files in
.Cm LogDirectory ,
one JSON object a line, in the schema
.Li mtaev/1 ;
those of severity 6 and below are also sent to
.Cm Syslog ,
facility mail: to the system's own log,
.Pa /dev/log ,
as a sentence for people; elsewhere as structured data of RFC 5424 in the
element
.Li mtaev@32473
with the event's name as MSGID and the sentence after it, over TCP with the
length in front (RFC 6587).
.Pp
The files are
.Pa events.NUMBER.jsonl ,
with a number that rises.
Every start of mtad-queue begins a new file; so do
.Cm EventLogFileSize
and
.Ic mtactl log rotate .
A file that is closed is compressed; when all together are larger than
.Cm EventLogSize ,
the oldest is removed.
.Pp
Names are a promise: fields and events are only added.
What is not known is absent, never 0.
Who reads must ignore fields and events that are new to him.
.Pp
A program that is killed while it writes may leave a line without its end,
and another's line behind it: who finds a line that does not read begins again
at the last
.Li {"v":1,
in it, which no text inside an event can contain.
.Pp
A sequence number without holes belongs to each start of each program: (node,
boot, seq) is a key, and a gap is a loss that
.Cm log.gap
tells of.
The file is complete; syslog may lose lines when its receiver is slow.
.Sh COMMON FIELDS
Each event has
.Bl -tag -width severity -compact
.It Cm v
1, the version of the schema.
.It Cm event
Its name.
.It Cm time
Wall clock, RFC 3339 with microseconds.
.It Cm mono_us
Microseconds of the monotonic clock, by which jumps of the other are seen.
.It Cm node
.Cm HostName .
.It Cm instance
mtad.
.It Cm boot
128 random bits, drawn at each start of each program.
.It Cm seq
1 and up, for each boot.
.It Cm prog , pid
The program that wrote it.
.It Cm severity
As syslog has it.
.El
'''


def events_page(top):
    path = os.path.join(top, "lib/event.def")
    names = {f[0]: f[1] for f in rows(path, "FIELD")}
    by_event = event_fields(top)
    used, silent = set(), []
    out = [HEAD % ("lib/event.def and the sources", "MTA-EVENTS") + EVENTS +
           ".Sh EVENTS\n.Bl -tag -width Ds"]
    for ident, name, severity, doc, words in rows(path, "EVENT"):
        if ident not in by_event:
            silent.append(name)
            continue
        fields = [f for f in names if f in by_event[ident]]
        used.update(fields)
        out += [".It Cm %s Pq severity %s" % (name, severity),
                sentence(clean(doc)), ".br",
                "Sentence: " + clean(words), ".br",
                "Fields: %s." % ", ".join(names[f] for f in fields)]
    out.append(".El\n.Sh FIELDS\n.Bl -tag -width Ds -compact")
    for ident, name, kind, doc in [f[:3] + [", ".join(
            x.strip() for x in f[3:])] for f in rows(path, "FIELD")]:
        if ident in used:
            out += [".It Cm %s Pq %s" % (name, KINDS[kind]),
                    sentence(clean(doc))]
    out.append(".El\n.Sh REASONS\n.Cm reason.class\nis one of\n"
               ".Bl -tag -width mailbox-disabled -compact")
    for _, name, doc in [r[:2] + [", ".join(x.strip() for x in r[2:])]
                         for r in rows(path, "REASON")]:
        if name:
            out += [".It Cm " + name, sentence(clean(doc))]
    out.append(".El")
    quiet = [names[f] for f in names if f not in used]
    if silent or quiet:
        out.append(".Sh RESERVED NAMES\nThese have their meaning already, "
                   "and this version writes them nowhere:")
        out.append(", ".join(silent + quiet) + ".")
    out.append(r'''.Sh SENTENCES
In a sentence {field} is replaced by its value; a part in [ ] is left out when
a field in it is absent.
The queue id stands before the sentence where there is one.
.Sh FILES
.Pa /var/log/mtad/events.*.jsonl ,
.Pa /var/log/mtad/events.*.jsonl.gz
.Sh EXAMPLES
What became of the mail to one address:
.Bd -literal -offset indent
grep -h '"rcpt_to":"x@example.org"' /var/log/mtad/events.*.jsonl
.Ed
.Sh SEE ALSO
.Xr mta-stat 7 ,
.Xr mtactl 8 ,
.Xr mtad 8''')
    return "\n".join(out) + "\n"


STAT = r'''.Nm mta-stat
.Nd mtad's counters
.Sh DESCRIPTION
The file
.Pa stats
in
.Cm RunDirectory
holds
.Xr mtad 8 Ns 's
counters.
It is mapped by the programs that count, so that any reader sees them without
asking anybody.
.Ic mtactl -j status
prints their sums to the administrators, and
.Ic mtactl watch
prints them every second.
.Pp
The file begins anew at each start of mtad.
Numbers are of the machine's byte order:
.Bd -literal -offset indent
u64 magic           "%s", read as a number
u32 slots           %d
u32 counters        how many of the names are in use
u32 slot_size       %d
u32 name_size       %d
i64 started         wall clock, microseconds
char name[%d][%d]   names of the counters
slot[%d]:
    char prog[32]     name of the program
    u64 pid           0: nobody
    u64 seq           its last event
    u64 seq_written   its last event that the file has
    char boot[40]     its boot in mta-events(7)
    u64 counter[%d]
.Ed
.Pp
A counter's value is the sum over the slots.
A slot has a page of memory: a process can write its own and no other's.
A reader takes the counters' places from the names, as later versions add
some at the end.
.Sh COUNTERS
.Bl -tag -width conn_out_reused -compact
'''


def stat_page(top):
    with open(os.path.join(top, "lib/stat.h")) as f:
        text = f.read()
    magic = bytes.fromhex(re.search(r'STAT_MAGIC UINT64_C\(0x(\w+)\)',
                                    text)[1])
    slots = int(re.search(r'STAT_SLOTS (\d+)', text)[1])
    counters, name = map(int, re.search(r'char name\[(\d+)\]\[(\d+)\]',
                                        text).groups())
    per_slot = int(re.search(r'uint64_t counter\[(\d+)\]', text)[1])
    size = int(re.search(r'STAT_PAGE (\d+)', text)[1])
    out = [HEAD % ("lib/stat.def and lib/stat.h", "MTA-STAT") + STAT.rstrip() %
           (magic.decode(), slots, size, name, counters, name, slots,
            per_slot)]
    for _, name, doc in rows(os.path.join(top, "lib/stat.def"), "COUNTER"):
        out += [".It Cm " + name, sentence(clean(doc))]
    out.append(r'''.El
.Sh FILES
.Pa /run/mtad/stats
.Sh SEE ALSO
.Xr mta-control 7 ,
.Xr mta-events 7 ,
.Xr mtactl 8''')
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    sys.stdout.write((events_page if sys.argv[1] == "events" else
                      stat_page)(sys.argv[2]))
