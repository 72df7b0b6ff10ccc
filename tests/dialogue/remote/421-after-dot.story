# An answer is an answer: it did not take the message.
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
S: 421 4.3.0 out of memory
result b@story.test 421 4.3.0 * out of memory
