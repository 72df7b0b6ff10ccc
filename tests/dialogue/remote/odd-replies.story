# NUL, CR and tabs inside, a line of three bytes, no text at all.
mail a@x.test b@story.test
accept
S: 220
C: EHLO *
S: 250
C: MAIL *
S: 250
C: RCPT *
raw 550 5.1.1 odd\0text\rwith\rsigns\r\n
result b@story.test 550 5.1.1 * odd text with signs
