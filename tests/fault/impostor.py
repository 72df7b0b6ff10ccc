#!/usr/bin/env python3
"""One of mtad's processes is an enemy's (tests/support/impostor.py): it says
everything that proto.def has a row for, to everybody that it has a channel to,
in every wrong way. The others stay, serve, and keep what they were given.

All that a row can be sent wrong comes from proto.def.
"""
import os
import sys
import time
from collections import deque

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from impostor_frames import MSGS, attacks_on, verdict  # noqa: E402
from impostor_stage import Stage  # noqa: E402
from mtad import IS_ROOT, stories, wait_for  # noqa: E402

LIVES = 4  # of one impostor, before the parent makes it wait for long
DEADLINE = 6
FLOODED = 1.5  # seconds that are tried to be heard 10,000 times
ALIKE = {("mtad-smtpd", "mtad-remote"), ("mtad-lookup", "mtad-smtpd"),
         ("mtad-remote", "mtad-smtpd")}  # joined again: the sender may live
reached = set()  # names of rows


class Round:
    """One attack that is under way."""

    def __init__(self, one, peer, attack):
        self.one, self.peer, self.attack = one, peer, attack
        self.channel = one.channels()[peer]
        self.join = one.joins.get(peer)
        self.began = time.monotonic()
        self.read_at = None

    def begin(self):
        self.one.is_deaf = self.attack.times > 1
        for _ in range(self.attack.times):
            if not self.channel.send(self.attack.data, [0] * self.attack.fds,
                                     FLOODED):
                break

    def is_ended(self):
        """The receiver had it ended, or has a new channel to it."""
        return self.one.is_dead or self.one.joins.get(self.peer) != self.join

    def is_over(self):
        now = time.monotonic()
        if self.read_at is None and self.channel.is_read():
            self.read_at = now
        if self.attack.must_end or self.one.is_dead:
            return self.is_ended() or now - self.began > DEADLINE
        return now - (self.read_at or self.began + FLOODED) > 0.005

    def end(self):
        if self.one.is_deaf and not self.one.is_dead:
            self.one.end()  # it has heard nothing since


class Campaign:
    """All attacks of one program, as many at once as it has processes."""

    def __init__(self, stage, attacks):
        self.stage, self.cast = stage, stage.cast
        self.todo = deque(attacks)
        self.rounds, self.failed = [], []

    def run(self):
        while self.todo or self.rounds:
            self.cast.early = min(2, sum(a.is_early for a in self.todo))
            if not self.begin_some() and not self.rounds:
                self.stage.again()
        self.stage.carries()
        self.stage.is_unchanged()
        assert not self.failed, "; ".join(self.failed)

    def begin_some(self):
        """False: nobody is left who could, and soon will be."""
        new = [r for r in map(self.try_one, list(self.todo)) if r]
        if new or self.rounds:
            self.end_some()
            return True
        return self.waits_for_life()

    def try_one(self, a):
        at = next(filter(None, (self.fits(one, a) for one in
                                list(self.cast.lives))), None)
        if at is None:
            return None
        self.todo.remove(a)
        r = Round(*at, a)
        self.rounds.append(r)
        reached.add(a.row.name)
        r.begin()
        return r

    def fits(self, one, a):
        if one.is_dead or one.is_early != a.is_early or not (
                one.is_running or a.is_early):
            return None
        busy = [r for r in self.rounds if r.one is one]
        for peer in list(one.channels()):
            if peer[0] == a.to and all(
                    r.peer != peer and is_alike(a) and is_alike(r.attack)
                    for r in busy):
                return one, peer
        return None

    def waits_for_life(self):
        deaths = self.cast.deaths
        if all(deaths.get(i, 0) >= LIVES for i in self.stage.ours):
            return False
        try:
            wait_for("another life", lambda: any(
                self.fits(one, a) for one in list(self.cast.lives)
                for a in self.todo), 1.5)
            return True
        except AssertionError:
            return False

    def end_some(self):
        wait_for("an outcome", lambda: any(r.is_over() for r in self.rounds))
        done = [r for r in self.rounds if r.is_over()]
        self.rounds = [r for r in self.rounds if r not in done]
        try:
            self.stage.is_well()
        except AssertionError as e:
            raise AssertionError("%s, after %s" % (
                e, "; ".join(str(r.attack) for r in done)))
        for r in done:
            r.end()
            if r.attack.must_end and not r.is_ended():
                self.failed.append(str(r.attack) + ": was taken")


def is_alike(a):
    return (a.sender, a.to) in ALIKE


def lookup_manners(m):
    """A lookup that knows the users of demo.test."""
    def rcpt(one, peer, f):
        one.say(peer[0], "RCPT_ANSWER", peer[1], key=f["key"],
                verdict=verdict(250))

    def expand(one, peer, f):
        local = f["local"].decode("latin1")
        if f["domain"] == b"demo.test" and local in ("alice", "bob", "carol"):
            one.say("mtad-queue", "EXPAND_ANSWER", key=f["key"], kind=1,
                    user=b"nobody" if IS_ROOT else b"",
                    path=("%s/mail/%s/" % (m.dir, local)).encode(),
                    verdict=b"")
        else:
            one.say("mtad-queue", "EXPAND_ANSWER", key=f["key"], kind=3,
                    verdict=verdict(550), path=b"")
    return {"RCPT_ASK": rcpt, "EXPAND_ASK": expand}


def campaign(stage, *to):
    with stage:
        reached.clear()
        attacks = [a for t in to for a in attacks_on(stage.program, t)]
        began = time.monotonic()
        Campaign(stage, attacks).run()
        stage.comes_once()
        missed = [r.name for r in MSGS if r.name not in reached]
        assert not missed, "no attack with " + ", ".join(missed)
        print("     %s: %d attacks in %.0f s; slowest status %.0f ms; "
              "%d descriptors, %d KB more at most" % (
                  stage.program, len(attacks), time.monotonic() - began,
                  stage.slowest * 1000, *stage.worst), flush=True)


def it_survives_all_that_a_smtpd_can_say():
    campaign(Stage("imp-smtpd", "mtad-smtpd", range(1, 12), SmtpdProcesses=12,
                   RemoteProcesses=1),
             "mtad-queue", "mtad-lookup", "mtad-remote", "mtad")


def it_survives_all_that_a_remote_can_say():
    stage = Stage("imp-remote", "mtad-remote", [0] + list(range(2, 10)),
                  SmtpdProcesses=4, RemoteProcesses=10)
    campaign(stage, "mtad-smtpd", "mtad-queue", "mtad")


def it_survives_all_that_a_lookup_can_say():
    stage = Stage("imp-lookup", "mtad-lookup", [0], SmtpdProcesses=4,
                  RemoteProcesses=1)
    stage.cast.manners = lookup_manners(stage.m)
    campaign(stage, "mtad-smtpd", "mtad-queue", "mtad")


if __name__ == "__main__":
    stories(sys.modules[__name__])
