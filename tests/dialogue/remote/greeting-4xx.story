mail a@x.test b@story.test
accept
S: 421 4.3.2 overloaded
result b@story.test 421 4.3.2 * overloaded
field failed yes
