# unit tests of mtad-remote
