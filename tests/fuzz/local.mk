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
# Fuzz targets: built by --enable-fuzzing (clang); seeds in tests/fuzz/corpus.
EXTRA_DIST += tests/fuzz/corpus
if FUZZING
FUZZ_INCLUDES = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad -I$(top_srcdir)/tests/support
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_LIBS = mtad/libmtad.a lib/libmta.a $(EVENT_LIBS) $(SECCOMP_LIBS) \
	$(JANSSON_LIBS) -lpthread
noinst_PROGRAMS += fuzz_address
fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
fuzz_address_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_address_LDFLAGS = $(FUZZ_LINK)
fuzz_address_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_body
fuzz_body_SOURCES = tests/fuzz/fuzz_body.c
fuzz_body_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_body_LDFLAGS = $(FUZZ_LINK)
fuzz_body_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_command
fuzz_command_SOURCES = tests/fuzz/fuzz_command.c
fuzz_command_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_command_LDFLAGS = $(FUZZ_LINK)
fuzz_command_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_drop
fuzz_drop_SOURCES = tests/fuzz/fuzz_drop.c
fuzz_drop_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_drop_LDFLAGS = $(FUZZ_LINK)
fuzz_drop_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_header
fuzz_header_SOURCES = tests/fuzz/fuzz_header.c
fuzz_header_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_header_LDFLAGS = $(FUZZ_LINK)
fuzz_header_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_params
fuzz_params_SOURCES = tests/fuzz/fuzz_params.c
fuzz_params_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_params_LDFLAGS = $(FUZZ_LINK)
fuzz_params_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_session
fuzz_session_SOURCES = tests/fuzz/fuzz_session.c tests/support/smtpd_world.c \
	tests/support/smtpd_world.h
fuzz_session_CPPFLAGS = $(FUZZ_INCLUDES) -I$(top_srcdir)/mtad/smtpd
fuzz_session_LDFLAGS = $(FUZZ_LINK)
fuzz_session_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
endif
