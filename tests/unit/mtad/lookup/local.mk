# unit tests of mtad-lookup
