# A server that knows no EHLO gets HELO, and no parameters.
with 8bit ret=full envid=x
mail a@x.test b@story.test
accept
S: 220 old
C: EHLO *
S: 502 what?
C: HELO client.test
S: 250 old
C: MAIL FROM:<a@x.test>
S: 250 ok
C: RCPT TO:<b@story.test>
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result b@story.test 250 * *
