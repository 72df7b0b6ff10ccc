# mtad-lookup
mtalibexec_PROGRAMS += mtad/lookup/mtad-lookup
mtad_lookup_mtad_lookup_SOURCES = mtad/lookup/lookup.c
mtad_lookup_mtad_lookup_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_lookup_mtad_lookup_LDADD = $(MTAD_LIBS)
