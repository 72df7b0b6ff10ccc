# 552 to RCPT is 452 (RFC 5321 section 4.5.3.1.10): too many, the rest later.
mail a@x.test b@story.test c@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: RCPT *
S: 552 too many recipients
C: DATA
S: 354 go
data
S: 250 ok
C: MAIL *
S: 250 ok
C: RCPT TO:<c@story.test>
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result b@story.test 250 * *
result c@story.test 250 * *
