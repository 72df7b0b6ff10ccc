mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 450 4.3.2 later
result b@story.test 450 4.3.2 *
field failed yes
