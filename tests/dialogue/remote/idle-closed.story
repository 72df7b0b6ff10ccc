# An idle connection that the server closes is forgotten at once.
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
raw 250 ok\r\n421 bye\r\n
closed
result b@story.test 250 * *
mail a@x.test c@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 550 no
result c@story.test 550 * *
field reused no
