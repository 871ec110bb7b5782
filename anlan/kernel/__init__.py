"""What every room stands on: clock, ids, modes, errors, Actor, packs, registries, judgement. Knows no Django."""
