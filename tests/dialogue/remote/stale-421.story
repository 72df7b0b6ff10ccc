# 421 to the first command of a reused connection is about the connection; so
# is a 4yz there.
mail a@x.test b@story.test
accept
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
mail a@x.test c@story.test
C: MAIL *
S: 421 idle for too long
accept
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
result c@story.test 250 * *
mail a@x.test d@story.test
C: MAIL *
S: 451 too many messages in this connection
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 451 4.3.0 not now either
result d@story.test 451 4.3.0 * not now either
