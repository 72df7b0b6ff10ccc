# What was answered before counts.
mail a@x.test b@story.test c@story.test d@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 250 ok
C: RCPT *
S: 550 5.1.1 no such user
C: RCPT *
S: 250 ok
C: RCPT *
S: 421 4.3.2 shutting down
closed
result b@story.test 550 5.1.1 mailbox-unknown
result c@story.test 421 4.3.2 * shutting down
result d@story.test 421 4.3.2 *
