# fuzz targets of mtad-remote: bytes of servers and of name servers
EXTRA_DIST += tests/fuzz/corpus/remote_client tests/fuzz/corpus/dns_answer
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_remote_client tests/fuzz/fuzz_dns_answer
FUZZ_REMOTE_LDADD = $(REMOTE_LIBS) $(UNIT_LIBS)
tests_fuzz_fuzz_remote_client_SOURCES = tests/fuzz/fuzz_remote_client.c
tests_fuzz_fuzz_remote_client_CPPFLAGS = $(MTAD_CPPFLAGS) \
	-I$(top_srcdir)/mtad/remote
tests_fuzz_fuzz_remote_client_LDADD = $(FUZZ_REMOTE_LDADD)
tests_fuzz_fuzz_dns_answer_SOURCES = tests/fuzz/fuzz_dns_answer.c
tests_fuzz_fuzz_dns_answer_CPPFLAGS = $(MTAD_CPPFLAGS) \
	-I$(top_srcdir)/mtad/remote
tests_fuzz_fuzz_dns_answer_LDADD = $(FUZZ_REMOTE_LDADD)
tests_fuzz_fuzz_remote_client_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_dns_answer_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
