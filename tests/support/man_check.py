#!/usr/bin/env python3
"""The pages and what they are about say the same.

Generated pages are up to date, every page is clean, every program has one,
and each list in a page is the list in the code. Without an installed prefix
it looks at the sources only. usage: man_check.py TOP [--write]
"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import collect_man  # noqa: E402
import conf_man  # noqa: E402
import event_man  # noqa: E402

TOP = sys.argv[1] if len(sys.argv) > 1 else "."
MAN = os.path.join(TOP, "share/man")
bad = []


def read(*parts):
    with open(os.path.join(TOP, *parts)) as f:
        return f.read()


def made():
    """Name and text of each generated page."""
    yield "mtad.conf.5", conf_man.page(os.path.join(TOP, "mtad/conf.def"))
    yield "mtacollect.conf.5", collect_man.conf_page(TOP)
    yield "mta-events.7", event_man.events_page(TOP)
    yield "mta-stat.7", event_man.stat_page(TOP)


def pages():
    return sorted(os.path.basename(p) for p in glob.glob(MAN + "/*.[1-8]*"))


def check_made():
    for name, text in made():
        path = os.path.join(MAN, name)
        if "--write" in sys.argv:
            with open(path, "w") as f:
                f.write(text)
        if not os.path.exists(path) or read("share/man", name) != text:
            bad.append("%s is old: tests/support/man_check.py . --write"
                       % name)


def check_form():
    for name in pages():
        r = subprocess.run(["mandoc", "-T", "lint", "-W", "warning",
                            os.path.join(MAN, name)],
                           capture_output=True, text=True)
        if r.stdout or r.stderr:
            bad.append((r.stdout + r.stderr).strip())


def check_references():
    """Every .Xr to a page of ours leads to one."""
    ours = {tuple(re.match(r"(.*)\.(\d)", p).groups()) for p in pages()}
    names = {n for n, _ in ours}
    for page in pages():
        for name, section in re.findall(r"^\.(?:It )?Xr (\S+) (\d)",
                                        read("share/man", page), re.M):
            if (name, section) not in ours and (
                    name in names or name.startswith("mta")):
                bad.append("%s: there is no %s(%s)" % (page, name, section))


def check_installed():
    listed = set(re.findall(r"share/man/(\S+)", read("share/local.mk")))
    if listed != set(pages()):
        bad.append("share/local.mk has not these pages: %s"
                   % sorted(listed ^ set(pages())))


def same(what, page, code):
    for word in sorted(code - page):
        bad.append("%s: %s is not in the page" % (what, word))
    for word in sorted(page - code):
        bad.append("%s: %s is only in the page" % (what, word))


def check_programs():
    text = "".join(read(p) for p in
                   glob.glob("mtad/*/local.mk", root_dir=TOP) +
                   ["monitor/local.mk", "tui/local.mk"])
    programs = {os.path.basename(p) for p in re.findall(
        r"^(?:s?bin|mtalibexec)_PROGRAMS \+= (.*)$", text, re.M)
        for p in p.split()} | {"mailq", "newaliases"}
    same("programs", {p.split(".")[0] for p in pages()
                      if p.split(".")[1][0] in "18"}, programs)


def check_mtactl():
    code = set(re.findall(r'^\t\{ "([a-z ]+)", "', read("mtad/ctl/mtactl.c"),
                          re.M))
    same("mtactl.8", {m.strip() for m in re.findall(
        r"^\.It Cm ([a-z ]+?)(?: (?:Ar|Op).*)?$",
        re.search(r"\.Ss Commands(.*?)\.El", read("share/man/mtactl.8"),
                  re.S)[1], re.M)}, code)


def check_control():
    code = set()
    for path in glob.glob("mtad/queue/control_*.c", root_dir=TOP):
        code |= set(re.findall(r'^\t\{ "([a-z.]+)", (?:true|false), op_',
                               read(path), re.M))
    page = set()
    text = read("share/man/mta-control.7")
    for section in re.findall(r"\.Ss \w.*?(?=\.Ss|\.Sh)", text, re.S):
        for line in re.findall(r"^\.It Cm (.*)$", section, re.M):
            page |= set(line.split(" , "))
    same("mta-control.7", page, code)


def check_sendmail():
    """Option letters: those of sendmail_options.c are those of the page."""
    source = read("mtad/ctl/sendmail_options.c")
    code = set()
    for table in ("with_value", "without_value"):
        code |= set(re.search(r'%s\[\] = "(\w+)"' % table, source)[1])
    code |= set(re.findall(r"case '(\w)':", source.split("\ntake(")[1]))
    page = set(re.findall(r"Fl (\w)", read("share/man/sendmail.8mtad")))
    page |= set(re.search(r"^\.Op Fl (\w+)$", read(
        "share/man/sendmail.8mtad"), re.M)[1])
    same("sendmail.8mtad", page, code)


def check_mtacollect():
    code = set(re.findall(r'^\t\{ "([a-z]+)", "', read(
        "monitor/mtacollect.c"), re.M))
    page = read("share/man/mtacollect.8")
    same("mtacollect.8", set(re.findall(r"^\.Nm\n\.Cm (\w+)$", page, re.M)),
         code)
    source = read("monitor/totals.c")
    said = set(re.findall(r'^\t\{ "([a-z_]+)", "', source, re.M))
    same("mtacollect.8, totals", set(re.findall(
        r"\w+", " ".join(re.findall(r"^\.It Cm (.*)$", re.search(
            r"\.Ss The totals(.*?)\.El", page, re.S)[1], re.M)))),
         said | {"events"})
    same("mtacollect.8, metrics", set(re.findall(r"mta_[a-z_]+", page)),
         set(re.findall(r'"(mta_[a-z_]+)"', read("monitor/metrics.c"))))


def check_mtatop():
    """The key table and the page have the same keys and words."""
    code = {(name.replace("\\\\", "\\"), words) for name, words in re.findall(
        r'^KEY\(.*\), "([^"]*)", "[^"]*", "([^"]*)"\)$',
        read("tui/keys.def"), re.M)}
    page = {(name.replace("\\&", "").replace("\\e", "\\").replace("\\-", "-"),
             words) for name, words in re.findall(
        r"^\.It Ic (.*)\n(.*)$", re.search(
            r"\.Ss Keys(.*?)\.El", read("share/man/mtatop.1"), re.S)[1],
        re.M)}
    same("mtatop.1", {" ".join(r) for r in page}, {" ".join(r) for r in code})
    rows = re.findall(r'^OPTION\(\w+, (?:\'(.)\'|0), (?:"([^"]*)"|NULL), ',
                      read("tui/options.def"), re.M)
    page = re.findall(r"^\.It (Fl .*)$", read("share/man/mtatop.1"), re.M)
    same("mtatop.1, options", {w.lstrip("-") for line in page for w in
                               re.findall(r"(?:Fl |, Fl )(-?[\w-]+)", line)},
         {w for r in rows for w in r if w} - {"h"})


def check_store():
    """Every table and column of the store is in its page."""
    page = read("share/man/mta-store.7")
    days, catalog = re.split(r"^\.Ss Tables of catalog\.db$", page,
                             flags=re.M)
    for name, text in (("segment", days), ("catalog", catalog)):
        tables = collect_man.tables(TOP)[name]
        parts = re.split(r"^\.It Sy (\w+)$", text, flags=re.M)
        said = {table: set(re.findall(r"\w+", " ".join(re.findall(
            r"^\.(?:It )?Va (.*)$", body, re.M)).replace("Va", "")))
            for table, body in zip(parts[1::2], parts[2::2])}
        same("mta-store.7", set(said), set(tables))
        for table, columns in tables.items():
            if not columns <= said.get(table, set()):
                bad.append("mta-store.7: %s has also %s" % (
                    table, sorted(columns - said.get(table, set()))))


for check in (check_made, check_form, check_references, check_installed,
              check_programs, check_mtacollect, check_store, check_mtactl, check_mtatop,
              check_control, check_sendmail):
    check()
for line in bad:
    print(line)
print("man pages: %d, %d faults" % (len(pages()), len(bad)))
sys.exit(1 if bad else 0)
