# Not believed to be for ever: the next MX, and when there is none, later.
mail a@x.test b@story.test
accept
S: 554 no SMTP service here
result b@story.test 451 4.3.2 * no SMTP service here
field failed yes
