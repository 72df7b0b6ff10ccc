# 70 lines of 900 bytes are a reply; this is not the place to end it.
mail a@x.test b@story.test
accept
raw 220-
flood 3000
result b@story.test 451 4.5.0 protocol
