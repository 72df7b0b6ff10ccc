#include "verdict.h"

void
put_verdict(struct buf *b, const struct verdict *v)
{
	put_u16(b, (uint16_t)v->code);
	put_u8(b, (uint8_t)v->reason);
	put_str(b, v->enhanced);
	put_str(b, v->text);
}

struct verdict
get_verdict(struct rd *r)
{
	struct verdict v;

	v.code = get_u16(r);
	v.reason = (enum reason)get_u8(r);
	if (v.reason >= RC_COUNT)
		v.reason = RC_UNKNOWN;
	v.enhanced = get_str(r);
	v.text = get_str(r);
	return v;
}

/* class "." subject "." detail, RFC 3463 section 2: 1*1, 1*3, 1*3 digits */
bool
verdict_cut_enhanced(int code, struct slice *text, struct slice *ret)
{
	size_t i = 1;

	if (text->n < 5 || text->p[0] != '0' + code / 100)
		return false;
	for (int part = 0; part < 2; part++) {
		size_t d = 0;

		if (i >= text->n || text->p[i] != '.')
			return false;
		i++;
		while (i + d < text->n && d < 3 && text->p[i + d] >= '0' &&
		    text->p[i + d] <= '9')
			d++;
		if (d == 0)
			return false;
		i += d;
	}
	if (i < text->n && text->p[i] != ' ')
		return false;
	*ret = slice_sub(*text, 0, i);
	*text = slice_sub(*text, i < text->n ? i + 1 : i, text->n);
	return true;
}
