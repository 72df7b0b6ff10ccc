# Where mail goes, by what the name server says.
zone mx1.test. A 192.0.2.1
zone mx2.test. A 192.0.2.2
zone mx2.test. AAAA 2001:db8::2
zone good.test. MX 20 mx2.test.
zone good.test. MX 10 mx1.test.
mx good.test
answer 250 2.0.0
line *10 mx1.test ?192.0.2.1?
line *20 mx2.test ?2001:db8::2?
line *20 mx2.test ?192.0.2.2?
# the domain itself
zone implicit.test. A 192.0.2.7
mx implicit.test
answer 250 2.0.0
line *0 implicit.test ?192.0.2.7?
# nothing there
mx nothing.good.test
answer 550 5.1.2 There is no domain nothing.good.test
zone empty.test. TXT "x"
mx empty.test
answer 550 5.4.4 empty.test has no host that could take mail
# null MX
zone null.test. MX 0 .
mx null.test
answer 556 5.1.10 *null MX*
# MX leads to nothing, for ever
zone dangling.test. MX 10 gone.test.
mx dangling.test
answer 550 5.4.4 *
# loopback and nowhere
zone lo.test. A 127.0.0.1
zone any.test. A 0.0.0.0
zone toloop.test. MX 10 lo.test.
zone toloop.test. MX 20 any.test.
mx toloop.test
answer 550 5.4.4 The domain's mail host lo.test has a loopback address
mx lo.test
answer 550 5.4.4 *loopback*
zone halfloop.test. MX 10 lo.test.
zone halfloop.test. MX 20 mx1.test.
mx halfloop.test
answer 250 2.0.0
line *20 mx1.test ?192.0.2.1?
# ourselves: by name, and only the better ones are left
zone self.test. MX 10 client.test.
mx self.test
answer 554 5.4.6 *self.test*
zone backup.test. MX 10 mx1.test.
zone backup.test. MX 20 client.test.
zone backup.test. MX 30 mx2.test.
mx backup.test
answer 250 2.0.0
line *10 mx1.test ?192.0.2.1?
line 
# CNAMEs
zone alias.test. CNAME good.test.
mx alias.test
answer 250 2.0.0
line *10 mx1.test ?192.0.2.1?
zone loop1.test. CNAME loop2.test.
zone loop2.test. CNAME loop1.test.
mx loop1.test
answer 451 4.4.3 *alias (CNAME) of itself
# literals
mx [192.0.2.9]
answer 250 2.0.0
line *192.0.2.9 ?192.0.2.9?
mx [IPv6:2001:db8::9]
answer 250 2.0.0
line *2001:db8::9 ?2001:db8::9?
# a smart host: with brackets its address, without its MX
mx other.test [mx2.test]
answer 250 2.0.0
line *mx2.test ?2001:db8::2?
mx other.test good.test
answer 250 2.0.0
line *10 mx1.test *
# an operator may well name loopback
mx other.test [lo.test]
answer 250 2.0.0
line *lo.test ?127.0.0.1?
# odd names
mx a..b
answer 550 5.1.2 *no name of a domain
mx bücher.test
answer 550 5.1.2 There is no domain xn--bcher-kva.test
