# An address at which this host itself listens: mail there goes in a circle.
ours 0.0.0.0
zone self.test. MX 10 better.test.
zone self.test. MX 20 me.test.
zone self.test. MX 30 worse.test.
zone better.test. A 192.0.2.1
zone me.test. A 127.0.0.1
zone worse.test. A 192.0.2.3
mx [127.0.0.1]
answer 554 5.4.6 The mail of 127.0.0.1 comes to this host*
mx other.test [127.0.0.1]
answer 451 4.4.6 The next host 127.0.0.1 is this host*
mx self.test
answer 250 2.0.0
line *10 better.test *
line 
zone only.test. MX 10 me.test.
mx only.test
answer 554 5.4.6 *only.test*
