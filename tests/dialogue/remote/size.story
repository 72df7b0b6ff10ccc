# Nothing is sent that the server has said not to take.
big 100000
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250-mx
S: 250 SIZE 50000
result b@story.test 552 5.3.4 size
field failed no
