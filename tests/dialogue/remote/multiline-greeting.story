# RFC 5321 section 4.2.1: a greeting of several lines is one.
mail a@x.test b@story.test
accept
raw 220-mx.story.test welcomes you\r\n220-no spam\r\n
S: 220 ESMTP
C: EHLO client.test
S: 250 mx.story.test
C: MAIL FROM:<a@x.test>
S: 250 ok
C: RCPT TO:<b@story.test>
S: 250 ok
C: DATA
S: 354 go
data
S: 250-2.0.0 first line
S: 250 2.0.0 queued as 77AB12
result b@story.test 250 2.0.0 * first line queued as 77AB12
field remote_id 77AB12
