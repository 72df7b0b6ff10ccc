# 20 MB from a descriptor, in blocks; by BDAT and by DATA.
big 20000000
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL *
C: RCPT *
raw 250 ok\r\n250 ok\r\n
bdat
S: 250 ok
result b@story.test 250 * *
hostclose story.test
C: QUIT
close
big 20000000
mail a@x.test c@story.test
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
S: 250 ok
result c@story.test 250 * *
