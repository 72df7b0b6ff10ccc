# ConnectionCacheSize 0: closed at once.
set ConnectionCacheSize 0
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 550 5.1.8 no
C: QUIT
S: 221 bye
closed
result b@story.test 550 5.1.8 *
