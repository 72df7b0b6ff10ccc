# A stop defers what has not got past the dot.
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
stop
result b@story.test 451 4.3.2 local-resource
