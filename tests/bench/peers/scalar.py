"""The same rules, one reading at a time, in plain Python: an independent check of workload.truth, and the shape of
what a keyed stream processor runs. python scalar.py checks both on a small case and prints readings/s."""
import sys
import time
from collections import deque

from tests.bench.peers import workload as w


class Sensor:
    __slots__ = ("rain", "since", "thr", "roc", "past", "last", "win", "sums", "ron")

    def __init__(self, rain):
        self.rain, self.since, self.thr, self.roc, self.last = rain, -1, False, False, -1
        self.past = deque()
        self.win = [deque() for _ in w.RAIN] if rain else None
        self.sums, self.ron = [0.0] * 4, [False] * 4


def step(st, sid, t, v, emit):
    """One reading: emit(rule, entity, tick, raised)."""
    if st.last >= 0 and t - st.last > w.MIS_TICKS:
        emit("MIS", sid, st.last + w.MIS_TICKS + 1, True)
        emit("MIS", sid, t, False)
    st.last = t
    if st.rain:
        for i, (rule, width, limit) in enumerate(w.RAIN):
            q = st.win[i]
            if v:
                q.append((t, v))
                st.sums[i] += v
            while q and q[0][0] <= t - width:
                st.sums[i] -= q.popleft()[1]
            if not st.ron[i] and st.sums[i] >= limit:
                st.ron[i] = True
                emit(rule, sid, t, True)
            elif st.ron[i] and st.sums[i] < limit * w.RAIN_CLEAR:
                st.ron[i] = False
                emit(rule, sid, t, False)
        return
    if v < w.HI:
        st.since = -1
        if v < w.LO and st.thr:
            st.thr = False
            emit("THR", sid, t, False)
    else:
        if st.since < 0:
            st.since = t
        if not st.thr and t - st.since >= w.HOLD:
            st.thr = True
            emit("THR", sid, t, True)
    past = st.past
    past.append((t, v))
    while past[0][0] < t - w.ROC_LAG:
        past.popleft()
    if past[0][0] == t - w.ROC_LAG:
        d = v - past[0][1]
        if not st.roc and d >= w.ROC_HI:
            st.roc = True
            emit("ROC", sid, t, True)
        elif st.roc and d < w.ROC_LO:
            st.roc = False
            emit("ROC", sid, t, False)


class Station:
    """Folds THR and R01 transitions into CMB; transitions of one tick are judged together at its end."""
    __slots__ = ("high", "wet", "on")

    def __init__(self):
        self.high = self.wet = 0
        self.on = False

    def apply(self, rule, raised):
        d = 1 if raised else -1
        if rule == "THR":
            self.high += d
        else:
            self.wet += d

    def judge(self, sid, t, emit):
        now = self.high >= 2 and self.wet >= 1
        if now != self.on:
            self.on = now
            emit("CMB", sid, t, now)


def pair(events):
    """Turn (rule, entity, tick, raised) transitions, in order per rule and entity, into alarms."""
    open_, out = {}, []
    for rule, e, t, up in events:
        if up:
            open_[(rule, e)] = t
        else:
            out.append((rule, e, open_.pop((rule, e)), t))
    return sorted(out + [(r, e, t, -1) for (r, e), t in open_.items()])


def combine(events):
    """CMB transitions from the THR and R01 transitions of a whole run."""
    stations, out, dirty, now = {}, [], set(), -1
    emit = lambda *a: out.append(a)
    for rule, e, t, up in sorted((x for x in events if x[0] in ("THR", "R01")), key=lambda x: x[2]):
        if t != now:
            for s in dirty:
                stations[s].judge(s, now, emit)
            dirty.clear()
            now = t
        s = e // w.PER_STATION
        stations.setdefault(s, Station()).apply(rule, up)
        dirty.add(s)
    for s in dirty:
        stations[s].judge(s, now, emit)
    return out


def still_missing(last, end):
    """MIS raises of sensors silent at the end of the run: last = {sensor: last tick}."""
    return [("MIS", s, t + w.MIS_TICKS + 1, True) for s, t in last.items() if end - t > w.MIS_TICKS]


if __name__ == "__main__":
    n, k = int(sys.argv[1]) if len(sys.argv) > 1 else 200, 1560
    v = w.generate(n, k)
    want = w.truth(v)
    s, t, x = (a.tolist() for a in w.flat(v))
    states = [Sensor(i % w.PER_STATION >= w.LEVELS) for i in range(n)]
    events = []
    emit = lambda *a: events.append(a)
    t1 = time.perf_counter()
    for a, b, c in zip(s, t, x):
        step(states[a], a, b, c, emit)
    t2 = time.perf_counter()
    events += still_missing({i: q.last for i, q in enumerate(states)}, k - 1)
    got = pair(sorted(events + combine(events), key=lambda e: (e[2], e[3])))
    print(w.compare(got, want), "readings/s", round(len(s) / (t2 - t1)))
