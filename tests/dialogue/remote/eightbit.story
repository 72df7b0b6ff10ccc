# 8-bit mail to a host without 8BITMIME goes as it is.
with 8bit
text Grüße
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL FROM:<a@x.test>
S: 250 ok
C: RCPT *
S: 250 ok
C: DATA
S: 354 go
data
S: 250 ok
result b@story.test 250 * *
