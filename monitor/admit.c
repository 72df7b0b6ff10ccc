#include "admit.h"

#include "clock.h"

#define NUMBER_MAX (UINT64_C(1) << 50)
#define SEQ_MAX (UINT64_C(1) << 47)

bool
admit_numbers(const struct heard *h)
{
	if (h->seq > SEQ_MAX || h->mono_us > INT64_MAX || h->pid > INT64_MAX)
		return false;
	for (int i = 0; i < h->event.n; i++)
		if (field_info(h->event.value[i].field)->kind == FK_NUM &&
		    h->event.value[i].v.num > NUMBER_MAX)
			return false;
	return true;
}

bool
admit_time(const struct heard *h, const struct store *s, struct guest *g,
    int64_t now, int64_t keep)
{
	return h->time_us > now - keep - US_DAY && h->time_us < now + US_DAY &&
	    (store_has_open(s, h->time_us) || guest_opens(g));
}
