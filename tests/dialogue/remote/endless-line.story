mail a@x.test b@story.test
accept
flood 70000
closed
result b@story.test 451 4.5.0 protocol
