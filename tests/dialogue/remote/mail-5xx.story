# No RCPT without PIPELINING; the connection serves the next mail.
mail a@x.test b@story.test c@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 550 5.7.1 sender is on our blocklist
result b@story.test 550 5.7.1 reputation
result c@story.test 550 5.7.1 reputation
mail d@x.test e@story.test
C: MAIL FROM:<d@x.test>
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result e@story.test 250 * *
