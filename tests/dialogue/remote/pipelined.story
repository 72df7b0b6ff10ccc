# MAIL, RCPT and DATA leave together; the second message reuses the connection.
mail a@x.test b@story.test
accept
S: 220 mx.story.test ESMTP
C: EHLO client.test
S: 250-mx.story.test
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-DSN
S: 250 SIZE 1000000
C: MAIL FROM:<a@x.test> SIZE=*
C: RCPT TO:<b@story.test>
C: DATA
S: 250 2.1.0 ok
S: 250 2.1.5 ok
S: 354 go
data
S: 250 2.0.0 Ok: queued as 4XyZ123
result b@story.test 250 2.0.0 * Ok: queued as 4XyZ123
field remote_id 4XyZ123
field reused no
field failed no
field host 127.0.0.1
mail <> c@story.test
C: MAIL FROM:<> SIZE=*
C: RCPT TO:<c@story.test>
C: DATA
raw 250 ok\r\n250 ok\r\n354 go\r\n
data
S: 250 2.0.0 Ok: queued as 4XyZ124
result c@story.test 250 2.0.0 *
field reused yes
event conn.open *"direction":"out"*"peer.ip":"127.0.0.1"*
stop
