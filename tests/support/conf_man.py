#!/usr/bin/env python3
"""mtad.conf(5) from mtad/conf.def. usage: conf_man.py CONF_DEF > mtad.conf.5"""
import re
import sys

text = open(sys.argv[1]).read()
rows = re.findall(r'^(SECTION|OPT)\((.*)\)$', text, re.M)
out = []


def fields(row):
    return re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]+)', row)


def clean(s):
    s = s.strip('"').replace('\\', '\\e')
    return '\\&' + s if s[:1] in ".'" else s


for kind, row in rows:
    f = fields(row)
    if kind == "SECTION":
        if out:
            out.append(".El")
        name = clean(f[1])
        out.append(".Ss %s" % (name + " blocks" if name else "Options"))
        out.append(clean(f[2])[0].upper() + clean(f[2])[1:] + ".")
        out.append(".Bl -tag -width Ds")
        continue
    _, field, name, what, default, low, high, reload, doc = f[:3] + [f[3]] + \
        f[4:8] + [",".join(f[8:])]
    default = clean(default) if default[0] == '"' else "the packaged folder"
    kinds = {"INT": "number", "BOOL": "on or off", "SIZE": "size",
             "TIME": "time", "STR": "text", "LIST": "list",
             "ENUM": clean(low).replace("|", ", ")}
    out.append(".It Cm %s No ( %s )" % (clean(name), kinds[what]))
    for sentence in re.split(r'(?<=[.:;]) (?=[A-Z])', doc.strip().strip('"')):
        out.append(clean(sentence))
    out.append("Default: %s.%s" % (
        default if default else "empty", "" if reload == "LIVE" else
        "\nTakes effect at a restart."))
out.append(".El")
print('''.\\" Made from mtad/conf.def.
.Dd November 24, 2026
.Dt MTAD.CONF 5
.Os
.Sh NAME
.Nm mtad.conf
.Nd configuration of the mail transfer agent
.Sh DESCRIPTION
The file holds options
.Pq Ql Name = value
and blocks with a title.
Text that is more than a word stands in double quotes; lists in braces.
Times have units: s m h d w, as in 2h30m; sizes B KB MB GB TB.
A # begins a comment.
.Ql mtad -t
says what is wrong with a file.''')
print("\n".join(out))
print(""".Sh FILES
.Pa /etc/mtad/mtad.conf
.Sh SEE ALSO
.Xr mtactl 8 ,
.Xr mtad 8""")
