# A byte now and then keeps no connection open for ever.
set Timeout.initial 1s
mail a@x.test b@story.test
accept
drip 100 220-welcome to
closed
result b@story.test 451 4.4.2 conn-timeout *Timeout.initial*
within 2500
