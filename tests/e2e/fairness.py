#!/usr/bin/env python3
"""What one destination costs another: nothing that its mail would feel.

The latency of a letter is the time from its 250 to its arrival next door.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from load import letter  # noqa: E402
from mtad import Mtad, Sink, stories, wait_for  # noqa: E402

BACKLOG, LIST = 3000, 3000


def latencies(m, n=200):
    """Of n letters to the sink, one after the other, in seconds."""
    took = []
    with m.smtp() as s:
        s.ehlo("load.test")
        for i in range(n):
            there = len(m.sink.names())
            s.sendmail("a@next.test", ["x@quick.test"], letter("q", 500))
            started = time.monotonic()
            while len(m.sink.names()) == there:
                assert time.monotonic() - started < 30, "it does not arrive"
                time.sleep(0.0005)
            took.append(time.monotonic() - started)
    return sorted(took)


def p99(sorted_values):
    return sorted_values[int(len(sorted_values) * 0.99)]


def it_is_fair_to_the_mail_of_others():
    with Mtad("fair", extra="MaxRecipientsPerMessage = 20000\n"
              "MaxRecipientsPerDelivery = 1\n") as m:
        os.mkdir(m.dir + "/slow")
        slow = Sink(m.dir + "/slow")
        slow.rules(dot="after 0.05 250 2.0.0 ok")
        slow.start()
        m.write("mtad.conf", m.conf + 'route "slow.test" '
                '{ Host = "[127.0.0.1]:%d" }\n' % slow.port)
        m.ctl("reload")
        before = latencies(m)
        with m.smtp() as s:
            s.ehlo("load.test")
            for i in range(BACKLOG):
                s.sendmail("a@next.test", ["x%d@dead.test" % i],
                           "Subject: x\r\n\r\nx\r\n")
            s.sendmail("a@next.test", ["l%d@slow.test" % i
                                       for i in range(LIST)],
                       "Subject: list\r\n\r\nx\r\n")
        gone = len(slow.names())
        during = latencies(m)
        waiting = len(m.queue("to:@dead.test"))
        print("     p99 %.1f ms before, %.1f ms during; median %.1f and "
              "%.1f ms; a backlog of %d, a list of %d of which %d to %d were "
              "delivered meanwhile" % (
                  p99(before) * 1e3, p99(during) * 1e3,
                  before[len(before) // 2] * 1e3,
                  during[len(during) // 2] * 1e3, waiting, LIST, gone,
                  len(slow.names())))
        assert waiting == BACKLOG and len(slow.names()) < LIST
        # figures are for people; a mail that waits for the backlog or for
        # the list waits for seconds
        assert p99(during) < max(0.5, 3 * p99(before))
        wait_for("the whole list", lambda: len(slow.names()) == LIST, 60)
        slow.stop()


if __name__ == "__main__":
    stories(sys.modules[__name__])
