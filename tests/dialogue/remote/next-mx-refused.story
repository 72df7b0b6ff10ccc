# Refused, closed, 554 at the greeting: the next one, and no word of it.
zone relay.test. MX 10 a.test.
zone relay.test. MX 20 b.test.
zone relay.test. MX 30 c.test.
zone a.test. A 127.0.0.3
zone b.test. A 127.0.0.1
zone c.test. A 127.0.0.2
listen 127.0.0.2
with host=relay.test
mail x@x.test b@story.test
accept 127.0.0.1
S: 554 no service
accept 127.0.0.2
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result b@story.test 250 * *
field host c.test
field failed no
