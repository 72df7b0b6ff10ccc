#!/usr/bin/env python3
"""mtad.conf(5) from mtad/conf.def. usage: conf_man.py CONF_DEF > mtad.conf.5"""
import re
import sys

KINDS = {"INT": "number", "BOOL": "on or off", "SIZE": "size", "TIME": "time",
         "STR": "text", "LIST": "list"}


def fields(row):
    return re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]+)', row)


def clean(s):
    s = s.strip('"').replace('\\"', '"').replace('\\', '\\e')
    return '\\&' + s if s and s[0] in ".'" else s


def sentences(text):
    return re.split(r'(?<=[.;]) (?=[A-Z])', text)


def options(text):
    out = []
    for kind, row in re.findall(r'^(SECTION|OPT)\((.*)\)$', text, re.M):
        f = fields(row)
        if kind == "SECTION":
            if out:
                out.append(".El")
            name, doc = clean(f[1]), clean(",".join(f[2:]))
            out.append('.Sh %s' % (name.upper() + " BLOCKS" if name
                                   else "OPTIONS"))
            out.append(doc[0].upper() + doc[1:] + ".")
            out.append(".Bl -tag -width Ds")
            continue
        name, what, default, low, _, reload = f[2:8]
        doc = ",".join(f[8:]).strip().strip('"')
        # a default without quotes is a macro: configure --with-spooldir
        default = clean(default) if default[0] == '"' else "/var/spool/mtad"
        out.append(".It Cm %s Pq %s" % (clean(name), KINDS.get(
            what, clean(low).replace("|", ", "))))
        out += [clean(s) for s in sentences(doc)]
        out.append("Default: %s." % (default or "empty"))
        if reload != "LIVE":
            out.append("Needs a restart.")
    return "\n".join(out + [".El"])


HEAD = r'''.\" Made from mtad/conf.def by tests/support/conf_man.py.
.Dd November 24, 2026
.Dt MTAD.CONF 5
.Os
.Sh NAME
.Nm mtad.conf
.Nd configuration of the mail transfer agent
.Sh DESCRIPTION
The file holds options, one a line, and blocks with a title:
.Bd -literal -offset indent
HostName = "mx.example.org"
LocalDomains = {HostName, localhost, example.org}

listener "smtp" {
	Address = "0.0.0.0"
	Port = 25
}
.Ed
.Pp
An option that sendmail has keeps sendmail's name and meaning.
Names are case-sensitive, and an option may stand once.
A text with blanks, commas, quotes, = or braces in it stands in double quotes.
A
.Ql #
begins a comment.
.Pp
.Bl -tag -width number -compact
.It number
Decimal digits, without a leading zero.
.It time
Digits with a unit, s m h d w, also in a row: 2h30m.
A bare number is refused, as its unit would be a guess.
.It size
Digits, alone or with B, KB, MB, GB or TB, which count in 1024s.
.It list
Elements in braces, separated by commas; {} is the empty list.
It replaces the default, it does not add to it.
.El
.Pp
Everything that is wrong is refused with file, line, option and what would be
right, and nothing is half loaded:
.Ic mtad -t
or
.Ic mtactl config check
before,
.Ic mtactl reload
after an edit.
What is marked
.Dq needs a restart
keeps its old value until then, and a reload that changes the number of
listeners is refused.
.Ic mtactl config show
prints every option with its value and the line that set it.
'''

TAIL = r'''.Sh ROUTES
For a domain the closest of these counts: the route block of its name; the
route of the longest .parent; the mailer local for
.Cm LocalDomains
and the host's own name; the virtual block of its name; the route
.Qq * ;
.Cm SmartHost ;
the domain's MX records.
.Ic mtactl route Ar address
shows the result and sends nothing.
.Sh FILES
.Bl -tag -width Ds -compact
.It Pa /etc/mtad/mtad.conf
The configuration, unless
.Ev MTAD_CONF
or an option names another one.
.El
.Sh EXAMPLES
All mail for elsewhere by way of one host, without asking for its MX:
.Bd -literal -offset indent
SmartHost = "[relay.example.org]:587"
.Ed
.Pp
A second line of defence for example.net, whose mail goes on to its MX:
.Bd -literal -offset indent
RelayDomains = {example.net}
Timeout.queuereturn = "14d"
.Ed
.Pp
A domain of users who have no account here; all mailboxes belong to vmail:
.Bd -literal -offset indent
virtual "example.com" {
	Users = "/etc/mtad/example.com"
	Mailbox = "/srv/mail/$d/$u/"
	User = "vmail"
}
.Ed
.Pp
A mailbox server that speaks LMTP over a Unix socket, for another domain:
.Bd -literal -offset indent
mailer "store" {
	Kind = "lmtp"
	Path = "/run/dovecot/lmtp"
}
route "example.edu" { Mailer = "store" }
RelayDomains = {example.edu}
.Ed
.Sh SEE ALSO
.Xr aliases 5 ,
.Xr forward 5 ,
.Xr mtactl 8 ,
.Xr mtad 8'''


def page(path):
    with open(path) as f:
        return HEAD + options(f.read()) + "\n" + TAIL + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
