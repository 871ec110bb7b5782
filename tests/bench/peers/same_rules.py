"""`scalar.step` with the rules that the kernel has: threshold with hold, rain windows, silence; no rate of change."""
from tests.bench.peers import workload as w


def step(st, sid, t, v, emit):
    """One reading: emit(rule, entity, tick, raised). Line for line scalar.step, without ROC."""
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
