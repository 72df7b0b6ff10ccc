# unit tests of libmta
