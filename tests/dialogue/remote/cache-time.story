# An idle connection ends with QUIT in time, and its answer is awaited.
set ConnectionCacheTimeout 1s
mail a@x.test b@story.test
accept
S: 220 hi
C: EHLO *
S: 250 mx
C: MAIL *
S: 550 5.1.8 no
result b@story.test 550 5.1.8 *
C: QUIT
S: 221 bye
closed
event conn.close *"cause":"quit"*
