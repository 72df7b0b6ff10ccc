# DATA refused though recipients were accepted; then RSET before the next.
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 PIPELINING
C: MAIL *
C: RCPT *
C: DATA
raw 250 ok\r\n250 ok\r\n503 5.5.1 no pipelining please\r\n
result b@story.test 503 5.5.1 protocol
