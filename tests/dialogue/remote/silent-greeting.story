set Timeout.initial 1s
mail a@x.test b@story.test
accept
result b@story.test 451 4.4.2 conn-timeout *Timeout.initial*
field failed yes
