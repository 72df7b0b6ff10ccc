# unit tests of the command line
