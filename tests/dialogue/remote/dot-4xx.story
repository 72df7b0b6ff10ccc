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
S: 452 4.3.1 disk full
result b@story.test 452 4.3.1 local-resource disk full
