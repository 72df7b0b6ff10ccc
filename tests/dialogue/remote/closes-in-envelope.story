mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT *
reset
result b@story.test 451 4.4.2 peer-closed *waiting for the answer to rcpt
field failed no
