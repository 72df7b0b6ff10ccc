set Timeout.datafinal 1s
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
result b@story.test 451 4.4.2 conn-timeout *Timeout.datafinal*may arrive twice*
