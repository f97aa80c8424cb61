int level(struct gauge *g)
{
	return g->value * g->scale + g->offset;
}
