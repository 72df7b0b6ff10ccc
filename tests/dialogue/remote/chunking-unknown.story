# CHUNKING is offered, but something on the way does not know BDAT: DATA on a
# fresh connection, and no mail is refused for it.
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 CHUNKING
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
bdat
S: 502 5.5.1 command not implemented
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 CHUNKING
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result b@story.test 250 * *
