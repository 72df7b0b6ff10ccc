# unit tests of mtad-queue
