mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
raw 250-one\r\n550 two\r\n
result b@story.test 451 4.5.0 protocol
