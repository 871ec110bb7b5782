/* Rain charts: bars a step, the line that limits are compared with, limits dashed with their words at the right.
   Data stands in data-chart; colours come from the tokens. Never: a zero where nothing was heard. */
"use strict";
(() => {
  const charts = new Map();
  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms, day) => { const d = new Date(ms + 8 * 3600e3); return (day ? `${d.getUTCMonth() + 1}-${d.getUTCDate()} ` : "") + two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()); };
  /* an axis of four even steps that read well */
  function axisTo(value) { const raw = value / 4, ten = 10 ** Math.floor(Math.log10(raw)), step = [1, 1.5, 2, 2.5, 3, 4, 5, 10].find((one) => one * ten >= raw) * ten; return { max: step * 4, interval: step }; }
  const said = (value, data) => value === null || value === undefined ? "?" : value.toFixed(data.digits ?? 1) + " " + (data.unit ?? "mm");
  function option(data, token) {
    const names = data.gauges.map((gauge) => gauge.name), text = { color: token("--c-axis"), fontSize: 12, fontFamily: token("--font") };
    const colours = [token("--c1"), token("--c4"), token("--c3"), token("--c2")], long = data.ends.length * data.step > 24 * 60;
    const marks = { silent: true, symbol: "none", animation: false, data: data.limits.map((limit) => ({
      yAxis: limit.value, lineStyle: { color: token(`--${limit.level}-ink`), type: "dashed", width: 1.5 },
      label: { position: "insideEndTop", color: token(`--${limit.level}-ink`), fontSize: 12, fontWeight: 600, backgroundColor: token("--surface"), padding: [1, 4], formatter: `${limit.word} ${limit.value}` } })) };
    const lines = data.gauges.map((gauge, index) => ({ name: gauge.name, type: "line", yAxisIndex: 1, data: gauge.line, symbol: "none", connectNulls: false, animation: false,
      lineStyle: { width: 2.4, color: colours[index % 4] }, itemStyle: { color: colours[index % 4] }, z: 3, markLine: index === 0 && data.limits.length ? marks : undefined }));
    const bars = !data.bar ? [] : data.gauges.map((gauge, index) => ({ name: gauge.name, type: "bar", data: gauge.bars, barGap: "0%", barCategoryGap: "15%", animation: false, itemStyle: { color: colours[index % 4], opacity: 0.55 } }));
    const highest = Math.max(1, ...data.limits.map((limit) => limit.value), ...data.gauges.flatMap((gauge) => gauge.line.filter((value) => value !== null)));
    const most = Math.max(1, ...data.gauges.flatMap((gauge) => (gauge.bars || []).filter((value) => value !== null)));
    const axis = { type: "value", min: 0, axisLabel: text, nameTextStyle: text, axisLine: { show: false }, axisTick: { show: false } };
    return {
      animation: false, textStyle: { fontFamily: token("--font") }, grid: { left: 44, right: 48, top: names.length > 1 ? 34 : 22, bottom: 28 },
      legend: names.length > 1 ? { data: names, top: 0, left: 0, textStyle: { ...text, color: token("--ink-2") }, itemWidth: 14, itemHeight: 8, icon: "roundRect" } : { show: false },
      tooltip: { trigger: "axis", confine: true, backgroundColor: token("--surface"), borderColor: token("--line"), textStyle: { color: token("--ink"), fontSize: 14 },
        formatter: (points) => { const n = points[0].dataIndex, out = document.createElement("div"); out.textContent = clock(data.ends[n], long);
          for (const gauge of data.gauges) { const row = document.createElement("div"); row.textContent = `${gauge.name}: ${data.bar ? `${data.bar} ${said(gauge.bars[n], data)} · ` : ""}${data.line} ${said(gauge.line[n], data)}`; out.append(row); } return out; } },
      xAxis: { type: "category", data: data.ends.map((end) => clock(end, long)), axisLabel: { ...text, hideOverlap: true }, axisTick: { alignWithLabel: true, lineStyle: { color: token("--c-grid") } }, axisLine: { lineStyle: { color: token("--line-strong") } } },
      yAxis: [{ ...axis, ...axisTo(most * 2), show: Boolean(data.bar), splitLine: { show: false } }, { ...axis, ...axisTo(highest * 1.1), splitLine: { lineStyle: { color: token("--c-grid") } } }],
      series: [...bars, ...lines],
    };
  }
  function draw() {
    for (const [el, chart] of charts) if (!el.isConnected) { chart.dispose(); charts.delete(el); }
    for (const el of document.querySelectorAll("[data-chart]")) {
      if (charts.has(el)) continue;
      const style = getComputedStyle(document.documentElement), chart = echarts.init(el, null, { renderer: "svg" });
      chart.setOption(option(JSON.parse(el.dataset.chart), (name) => style.getPropertyValue(name).trim()));
      charts.set(el, chart);
    }
  }
  addEventListener("resize", () => { for (const chart of charts.values()) chart.resize(); });
  document.addEventListener("htmx:load", draw);
  draw();
})();
