# unit tests of mtad-local
