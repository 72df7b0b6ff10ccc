# The connection breaks past the dot: another host would make it two.
zone relay.test. MX 10 a.test.
zone relay.test. MX 20 b.test.
zone a.test. A 127.0.0.1
zone b.test. A 127.0.0.2
listen 127.0.0.2
with host=relay.test
mail x@x.test b@story.test
accept 127.0.0.1
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
close
result b@story.test 451 4.4.2 peer-closed *may arrive twice*
field host a.test
