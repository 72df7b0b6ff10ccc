# unit tests of libmta

# mail syntax
check_PROGRAMS += tests/unit/lib/test_addr tests/unit/lib/test_drop \
	tests/unit/lib/test_header
TESTS += tests/unit/lib/test_addr tests/unit/lib/test_drop \
	tests/unit/lib/test_header
tests_unit_lib_test_addr_SOURCES = tests/unit/lib/test_addr.c
tests_unit_lib_test_addr_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_lib_test_addr_LDADD = $(UNIT_LIBS)
tests_unit_lib_test_drop_SOURCES = tests/unit/lib/test_drop.c
tests_unit_lib_test_drop_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_lib_test_drop_LDADD = $(UNIT_LIBS)
tests_unit_lib_test_header_SOURCES = tests/unit/lib/test_header.c
tests_unit_lib_test_header_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_lib_test_header_LDADD = $(UNIT_LIBS)
