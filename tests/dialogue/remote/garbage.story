# HTTP on the port: no mail is bounced for it.
mail a@x.test b@story.test
accept
S: HTTP/1.1 400 Bad Request
closed
result b@story.test 451 4.5.0 protocol
field failed yes
