# Each recipient has its own answer, and nobody's is another's.
mail a@x.test ok@story.test no@story.test later@story.test full@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 PIPELINING
C: MAIL *
C: RCPT *
C: RCPT *
C: RCPT *
C: RCPT *
C: DATA
raw 250 ok\r\n250 ok\r\n550-5.1.1 The user does not\r\n550 5.1.1 exist here\r\n
raw 450 4.2.1 busy\r\n452 4.2.2 over quota\r\n354 go\r\n
data
S: 250 2.0.0 taken
# 452 may mean "too many at a time": those come next, as long as some are taken
C: MAIL *
C: RCPT TO:<later@story.test>
C: RCPT TO:<full@story.test>
C: DATA
raw 250 ok\r\n450 4.2.1 busy\r\n452 4.2.2 over quota\r\n554 no recipients\r\n
result ok@story.test 250 2.0.0 * taken
result no@story.test 550 5.1.1 mailbox-unknown The user does not exist here
result later@story.test 450 4.2.1 mailbox-disabled
result full@story.test 452 4.2.2 mailbox-full
