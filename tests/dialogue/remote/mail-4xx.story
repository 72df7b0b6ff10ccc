mail a@x.test b@story.test c@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 PIPELINING
C: MAIL *
C: RCPT *
C: RCPT *
C: DATA
raw 451 4.7.1 Greylisted, come back\r\n503 no MAIL\r\n503 no MAIL\r\n503 no\r\n
result b@story.test 451 4.7.1 greylist
result c@story.test 451 4.7.1 greylist
field failed no
