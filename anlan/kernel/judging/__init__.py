"""The judgement kernel: readings in, transitions out. Arrays of state for all series at once; objects only at edges.

Meaning: judged state = f(readings in order of event time, then arrival; the tick of the clock for silence). Late
readings within the horizon re-judge their series. Never: I/O, Django, a clock of its own, a decision about a person.
"""
