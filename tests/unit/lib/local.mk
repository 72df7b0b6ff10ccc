# mail syntax
check_PROGRAMS += test_addr
test_addr_SOURCES = $(UNIT) tests/unit/lib/test_addr.c
test_addr_CPPFLAGS = $(UNIT_CPPFLAGS)
test_addr_LDADD = $(UNIT_LIBS)
check_PROGRAMS += test_drop
test_drop_SOURCES = $(UNIT) tests/unit/lib/test_drop.c
test_drop_CPPFLAGS = $(UNIT_CPPFLAGS)
test_drop_LDADD = $(UNIT_LIBS)
check_PROGRAMS += test_header
test_header_SOURCES = $(UNIT) tests/unit/lib/test_header.c
test_header_CPPFLAGS = $(UNIT_CPPFLAGS)
test_header_LDADD = $(UNIT_LIBS)
check_PROGRAMS += test_sysout
test_sysout_SOURCES = $(UNIT) tests/unit/lib/test_sysout.c
test_sysout_CPPFLAGS = $(UNIT_CPPFLAGS)
test_sysout_LDADD = $(UNIT_LIBS)
