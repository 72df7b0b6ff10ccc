with ret=full envid=id+1=2 notify=success,delay orcpt=rfc822;b+x@story.test
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 DSN
C: MAIL FROM:<a@x.test> RET=FULL ENVID=id+2B1+3D2
S: 250 ok
C: RCPT TO:<b@story.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@story.test
S: 550 no
result b@story.test 550 * *
