# FallbackMXhost: behind the last MX that does not answer.
set FallbackMXhost [fallback.test]
set SmtpPort 1
zone gone.test. MX 10 nobody.test.
zone nobody.test. A 192.0.2.1
zone fallback.test. A 127.0.0.1
with domain=loop1.test
zone loop1.test. CNAME loop1.test.
mail x@x.test b@loop1.test
result b@loop1.test 451 4.4.1 conn-refused
