# A 4yz of one host is not the last word: the next one is asked, for those
# who are left; a 5yz is.
zone relay.test. MX 10 a.test.
zone relay.test. MX 20 b.test.
zone a.test. A 127.0.0.1
zone b.test. A 127.0.0.2
listen 127.0.0.2
with host=relay.test
mail x@x.test ok@story.test no@story.test later@story.test
accept 127.0.0.1
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: RCPT *
S: 550 5.1.1 no
C: RCPT *
S: 450 4.2.0 later
C: DATA
S: 354 go
data
S: 250 ok
accept 127.0.0.2
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT TO:<later@story.test>
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result ok@story.test 250 * *
result no@story.test 550 5.1.1 *
result later@story.test 250 * *
field host b.test
