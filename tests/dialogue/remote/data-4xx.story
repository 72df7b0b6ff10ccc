# A no to DATA is for those who were accepted; the others keep their own.
mail a@x.test b@story.test c@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: RCPT *
S: 450 4.2.0 later
C: DATA
S: 451 4.3.0 queue file write error
result b@story.test 451 4.3.0 *
result c@story.test 450 4.2.0 *
