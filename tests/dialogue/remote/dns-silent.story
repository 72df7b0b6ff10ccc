# The name server is silent: deferred; it comes back, mail flows.
set Timeout.resolver 2s
zone relay.test. MX 10 a.test.
zone a.test. A 127.0.0.1
with host=relay.test
dns stop
mail x@x.test b@story.test
result b@story.test 451 4.4.3 dns-temp
field failed yes
event dns.fail *relay.test*
dns start
mail x@x.test c@story.test
accept
S: 220 hi
within 5000
C: EHLO *
S: 250 mx
C: MAIL *
S: 550 5.1.8 no
result c@story.test 550 5.1.8 *
