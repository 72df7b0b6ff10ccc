with lmtp
unix
mail a@x.test b@story.test
accept unix
S: 220 lmtp
C: LHLO client.test
S: 250 lmtp
C: MAIL *
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
data
S: 250 2.1.5 delivered
result b@story.test 250 2.1.5 *
mail a@x.test c@story.test
C: MAIL *
S: 250 ok
C: RCPT *
S: 550 5.1.1 no
result c@story.test 550 5.1.1 *
field reused yes
