# 5yz to EHLO and to HELO is about the host: deferred, as a failed connection.
mail a@x.test b@story.test
accept
S: 220 old
C: EHLO *
S: 502 what?
C: HELO client.test
S: 554 5.7.1 go away
result b@story.test 451 4.3.2 policy go away
field failed yes
