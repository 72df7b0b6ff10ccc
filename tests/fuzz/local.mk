# fuzz targets: configure CC=clang --enable-fuzzing
if FUZZING
noinst_PROGRAMS += fuzz_aliases fuzz_outgoing
fuzz_aliases_SOURCES = tests/fuzz/fuzz_aliases.c
fuzz_aliases_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad \
	-I$(top_srcdir)/mtad/lookup -I$(top_srcdir)/mtad/local
fuzz_aliases_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_aliases_LDADD = mtad/lookup/liblookup.a mtad/local/liblocal.a \
	mtad/libmtad.a lib/libmta.a $(EVENT_LIBS) $(SECCOMP_LIBS) -lpthread
fuzz_outgoing_SOURCES = tests/fuzz/fuzz_outgoing.c
fuzz_outgoing_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad \
	-I$(top_srcdir)/mtad/ctl
fuzz_outgoing_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_outgoing_LDADD = mtad/ctl/libsendmail.a mtad/libmtad.a lib/libmta.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) -lpthread
endif
EXTRA_DIST += tests/fuzz/corpus
