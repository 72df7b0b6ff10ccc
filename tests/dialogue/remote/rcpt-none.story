# All refused, yet DATA got 354: just a dot (RFC 2920), and its answer is
# nobody's. The next mail begins with RSET.
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 PIPELINING
C: MAIL *
C: RCPT *
C: DATA
raw 250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n
C: .
S: 250 taken for nobody
result b@story.test 550 5.1.1 mailbox-unknown
mail a@x.test c@story.test
C: RSET
C: MAIL *
C: RCPT *
C: DATA
raw 250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n
data
S: 250 ok
result c@story.test 250 * *
field reused yes
