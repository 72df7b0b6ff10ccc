"""mtacollect.conf(5), made from monitor/settings.def; and the tables of the
store, read from the code, for what mta-store(7) must say."""
import os
import re
import sqlite3

PAGE = r""".Dd November 24, 2026
.Dt MTACOLLECT.CONF 5
.Os
.Sh NAME
.Nm mtacollect.conf
.Nd configuration of the mail event collector
.Sh DESCRIPTION
.Xr mtacollect 8
reads
.Pa /etc/mtad/mtacollect.conf ,
which need not be there: it then follows the event log of
.Xr mtad 8
in
.Pa /var/log/mtad .
The syntax is that of
.Xr mtad.conf 5 :
.Bd -literal -offset indent
StoreDirectory = "/var/lib/mtad"
source "mtad" { Kind = "events" Path = "/var/log/mtad" }
source "others" { Kind = "tcp" Address = "::" Port = 601 }
.Ed
.Pp
Times have a unit, or several: ms, s, m, h, d.
.Bl -tag -width Ds
%s.El
.Ss source
What is read, each under a title of its own, by which its place is known: a
source whose title changes is read from its beginning.
With any of these the default one is not there.
.Bl -tag -width Ds
%s.El
.Sh SEE ALSO
.Xr mta-store 7 ,
.Xr mtacollect 8
"""


def rows(top, macro):
    with open(os.path.join(top, "monitor/settings.def")) as f:
        text = f.read()
    return re.findall(r'^%s\((\w+), (\w+), (.*?), ("?[^,]*"?), (\d+), '
                      r'"(.*)"\)$' % macro, text, re.M)


def items(top, macro):
    out = ""
    for name, kind, default, low, _, doc in rows(top, macro):
        out += ".It Cm %s\n%s\n" % (name, doc.replace("; ", ";\n"))
        if kind == "ENUM":
            out += "One of %s.\n" % low.strip('"').replace("|", ", ")
        default = default.strip('"').replace("MTA_STOREDIR", "/var/lib/mtad")
        if default:
            out += "Default:\n.Li %s .\n" % default
    return out


def conf_page(top):
    return PAGE % (items(top, "GLOBAL"), items(top, "SOURCE"))


def tables(top):
    """{file: {table: columns}}: the SQL of schema.c, executed."""
    with open(os.path.join(top, "monitor/segment.def")) as f:
        columns = "".join('" %s %s,"' % c for c in re.findall(
            r"^COLUMN\((\w+), (\w+),", f.read(), re.M))
    with open(os.path.join(top, "monitor/schema.c")) as f:
        code = f.read().replace('#include "segment.def"', columns)
    out, dbs = {}, {}
    for name, text in re.findall(
            r"static const char (\w+)_\d+\[\] =(.*?\");\n", code, re.S):
        text = re.sub(r"/\*.*?\*/|^#[^\n]*$", "", text, flags=re.S | re.M)
        db = dbs.setdefault(name, sqlite3.connect(":memory:"))
        db.executescript("".join(re.findall(r'"([^"]*)"', text)))
        out[name] = {t: {c[1] for c in db.execute(
            "PRAGMA table_info(%s)" % t)} for t, in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return out
