deaf 127.0.0.1
mail a@x.test b@story.test
result b@story.test 451 4.4.1 conn-refused
field failed yes
