"""A program in a real terminal: tmux of the test's own, its keys and screen."""
import os
import shutil
import subprocess
import tempfile

from mtad import wait_for


class Terminal:
    def __init__(self, args, rows=24, cols=80, term="xterm-256color",
                 env=()):
        self.dir = tempfile.mkdtemp(prefix="mtad-tmux.")
        self.socket = self.dir + "/socket"
        words = ["env", "TERM=" + term, "LINES=", "COLUMNS="]
        words += ["%s=%s" % kv for kv in dict(env).items()]
        clean = {k: v for k, v in os.environ.items()
                 if k not in ("TMUX", "LC_ALL", "LC_CTYPE", "LANG",
                              "NO_COLOR")}
        clean["LC_ALL"] = "C.UTF-8"  # tmux itself; the program has env's
        if "LC_ALL" not in dict(env):
            words.append("LC_ALL=C.UTF-8")
        # what the program left behind stays to be looked at
        run = " ".join("'%s'" % w.replace("'", "'\\''")
                       for w in words + list(args))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x",
                  str(cols), "-y", str(rows),
                  "%s; echo \"ended $?\"; cat" % run, env=clean)
        self.tmux("set", "-g", "status", "off")
        self.tmux("resize-window", "-t", "t", "-x", str(cols), "-y",
                  str(rows))

    def tmux(self, *args, env=None):
        r = subprocess.run(["tmux", "-S", self.socket, *args], env=env,
                           text=True, capture_output=True, timeout=20)
        if r.returncode != 0:
            raise AssertionError("tmux %s: %s" % (args, r.stderr))
        return r.stdout

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "t", *keys)

    def resize(self, rows, cols):
        self.tmux("resize-window", "-t", "t", "-x", str(cols), "-y",
                  str(rows))

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", "t")

    def colours(self):
        return self.tmux("capture-pane", "-p", "-e", "-t", "t")

    def wait(self, *texts, seconds=20):
        """Until the screen has all of them; the screen."""
        try:
            return wait_for("the screen", lambda: all(
                t in self.screen() for t in texts) and self.screen(), seconds)
        except AssertionError:
            raise AssertionError("no %s on\n%s" % (texts, self.screen()))

    def wait_gone(self, text, seconds=20):
        try:
            return wait_for("a change", lambda: text not in self.screen() and
                            (self.screen() or " "), seconds)
        except AssertionError:
            raise AssertionError("%s is still on\n%s" % (text, self.screen()))

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"],
                       capture_output=True, timeout=20)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
