mail a@x.test b@story.test
accept
close
result b@story.test 451 4.4.2 peer-closed
field failed yes
