# The server closed the idle connection: a fresh one, and nobody is told.
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 PIPELINING
C: MAIL *
C: RCPT *
C: DATA
raw 250 ok\r\n250 ok\r\n354 go\r\n
data
S: 250 ok
result b@story.test 250 * *
mail a@x.test c@story.test
C: MAIL *
C: RCPT *
C: DATA
reset
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT TO:<c@story.test>
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result c@story.test 250 * *
field reused no
