# 250 to DATA, and 354 to MAIL: nothing it says can be used.
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
S: 250 taken?
closed
result b@story.test 451 4.5.0 protocol
