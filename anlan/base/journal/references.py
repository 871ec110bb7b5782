"""What an id in the journal means to a reader: each slice above registers who resolves its prefix, in batches.

Never: a name or number stored in the journal itself; a resolver answers only what the actor may see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from anlan.kernel.actor import Actor
from anlan.kernel.registry import Registry
from anlan.ui.language import say


@dataclass(frozen=True)
class Reference:
    """How an id is shown: words, and the page it leads to ("" = none)."""

    text: str
    url: str = ""


Resolver = Callable[[Actor, set[str]], dict[str, Reference]]

RESOLVERS: Registry[Resolver] = Registry("reference resolver")
KIND_WORDS: Registry[str] = Registry("words of a kind of entry")


def kind_words(kind: str) -> str:
    """A kind of entry in the reader's language; the kind itself where no slice said."""
    return say(KIND_WORDS[kind]) if kind in KIND_WORDS else kind


def resolve(actor: Actor, references: Iterable[str]) -> dict[str, Reference]:
    """Words for references like "area:140427203" or "task:<id>"; one call per prefix. Unknown ones are absent."""
    by_prefix: dict[str, set[str]] = {}
    for reference in references:
        prefix, _colon, key = reference.partition(":")
        if key and prefix in RESOLVERS:
            by_prefix.setdefault(prefix, set()).add(key)
    return {
        f"{prefix}:{key}": found
        for prefix, keys in by_prefix.items()
        for key, found in RESOLVERS[prefix](actor, keys).items()
    }
