# The server has enough in the midst of the body.
big 20000000
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
S: 552 5.3.4 too big
result b@story.test 552 5.3.4 size
close
