# The queue dies: its successor hears of what is in hand, and gets the
# outcomes that were not made durable again.
noack
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 550 5.1.8 no
result b@story.test 550 5.1.8 *
mail a@x.test c@story.test d@story.test
C: MAIL *
S: 250 ok
C: RCPT *
ack
queue
holding 2
result b@story.test 550 5.1.8 *
holding end
S: 250 ok
C: RCPT *
S: 550 5.1.1 no
C: DATA
S: 354 go
data
S: 250 ok
result c@story.test 250 * *
result d@story.test 550 5.1.1 *
