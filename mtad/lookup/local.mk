# mtad-lookup: a library for the tests and newaliases, and the program
noinst_LIBRARIES += mtad/lookup/liblookup.a
mtad_lookup_liblookup_a_SOURCES = \
	mtad/lookup/aliases.c mtad/lookup/aliases.h \
	mtad/lookup/include.c \
	mtad/lookup/userlist.c mtad/lookup/userlist.h \
	mtad/lookup/users.c mtad/lookup/users.h
mtad_lookup_liblookup_a_CPPFLAGS = $(MTAD_CPPFLAGS)
mtalibexec_PROGRAMS += mtad/lookup/mtad-lookup
mtad_lookup_mtad_lookup_SOURCES = \
	mtad/lookup/answer.c \
	mtad/lookup/ask.c \
	mtad/lookup/list.c \
	mtad/lookup/lookup.c mtad/lookup/lookup.h \
	mtad/lookup/tables.c
mtad_lookup_mtad_lookup_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_lookup_mtad_lookup_LDADD = mtad/lookup/liblookup.a $(MTAD_LIBS)
