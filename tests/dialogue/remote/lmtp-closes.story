# It closes after the first of two answers: the second is unknown.
with lmtp
mail a@x.test b@story.test c@story.test
accept
S: 220 lmtp
C: LHLO *
S: 250 lmtp
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
data
S: 250 2.1.5 delivered
close
result b@story.test 250 2.1.5 *
result c@story.test 451 4.4.2 peer-closed *may arrive twice*
