with utf8 8bit
mail ä@x.test ü@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 8BITMIME
result ü@story.test 553 5.6.7 content
deaf none
with plain utf8 8bit
hostclose story.test
C: QUIT
close
mail ä@x.test ü@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250-8BITMIME
S: 250 SMTPUTF8
C: MAIL FROM:<ä@x.test> BODY=8BITMIME SMTPUTF8
S: 250 ok
C: RCPT TO:<ü@story.test>
S: 550 5.1.1 no
result ü@story.test 550 5.1.1 *
