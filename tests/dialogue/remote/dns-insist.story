# Three lookups fail; the server comes back, and the very next one finds it,
# though the library would have it wait behind a probe.
set Timeout.resolver 6s
zone r1.test. MX 10 a.test.
zone r2.test. MX 10 a.test.
zone a.test. A 192.0.2.1
dns stop
mx r1.test
answer 451 4.4.3
dns start
mx r2.test
answer 250 2.0.0
within 5000
