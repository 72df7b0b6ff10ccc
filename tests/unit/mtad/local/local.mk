# unit tests of mtad-local's lanes
check_PROGRAMS += test_lanes
test_lanes_SOURCES = $(UNIT) tests/unit/mtad/local/test_lanes.c
test_lanes_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/local
test_lanes_LDADD = mtad/local/liblocal.a $(UNIT_LIBS)
