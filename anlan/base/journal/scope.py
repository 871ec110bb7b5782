"""Area scope as a database condition. Every queryset that shows something starts from it."""

from django.db.models import Q

from anlan.kernel.actor import Actor


def within(actor: Actor, field: str = "area_code", *, unplaced: bool = False) -> Q:
    """Rows whose area lies in one of the actor's subtrees. unplaced: also rows that belong to no area."""
    if actor.system or "" in actor.areas:
        return Q()
    condition = Q(**{field: ""}) if unplaced else Q(pk__in=[])
    for prefix in actor.areas:
        condition |= Q(**{f"{field}__startswith": prefix})
    return condition
