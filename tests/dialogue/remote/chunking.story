# BDAT when offered, one write with the body; MAIL and RCPT before it.
text .dots are not stuffed
text Hello
mail a@x.test b@story.test c@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL FROM:<a@x.test>
C: RCPT TO:<b@story.test>
C: RCPT TO:<c@story.test>
raw 250 ok\r\n250 ok\r\n550 5.1.1 no such user\r\n
bdat
S: 250 2.6.0 OK id=1abcDE-0001-2F
result b@story.test 250 2.6.0 *
result c@story.test 550 5.1.1 mailbox-unknown no such user
field remote_id 1abcDE-0001-2F
