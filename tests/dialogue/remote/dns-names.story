# The name of a client is believed only when it leads back.
zone 1.2.0.192.in-addr.arpa. PTR good.test.
zone good.test. A 192.0.2.1
zone 2.2.0.192.in-addr.arpa. PTR liar.test.
zone liar.test. A 192.0.2.99
zone 4.2.0.192.in-addr.arpa. PTR nowhere.test.
zone 5.2.0.192.in-addr.arpa. PTR liar.test.
zone 5.2.0.192.in-addr.arpa. PTR five.test.
zone five.test. A 192.0.2.5
zone 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR six.test.
zone six.test. AAAA 2001:db8::1
name 192.0.2.1
named pass good.test
name 192.0.2.2
named fail liar.test
name 192.0.2.3
named none
name 192.0.2.4
named fail nowhere.test
name 192.0.2.5
named pass five.test
name 2001:db8::1
named pass six.test
name nonsense
named none
