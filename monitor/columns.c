#include "columns.h"

const struct column columns[COLUMNS] = {
#define COLUMN(name, type, field, how, doc) { #name, F_##field, how },
#include "segment.def"
};
