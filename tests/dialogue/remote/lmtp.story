# LMTP over TCP: one reply for each recipient that was accepted, in order.
with lmtp
mail a@x.test b@story.test c@story.test d@story.test
accept
S: 220 lmtp
C: LHLO client.test
S: 250-lmtp
S: 250 PIPELINING
C: MAIL *
C: RCPT *
C: RCPT *
C: RCPT *
C: DATA
raw 250 ok\r\n250 ok\r\n550 5.1.1 unknown user\r\n250 ok\r\n354 go\r\n
data
S: 250 2.1.5 delivered
S: 452 4.2.2 over quota
result b@story.test 250 2.1.5 *
result c@story.test 550 5.1.1 mailbox-unknown
result d@story.test 452 4.2.2 mailbox-full
