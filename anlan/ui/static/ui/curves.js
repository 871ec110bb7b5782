/* Curves of an hour to years: the card asks the API for what is looked at, again after each move, and draws it.
   Gaps stay gaps; what does not count is a hollow point with its reason; steps carry a band from least to greatest.
   Never: a zero where nothing was heard, a request per mouse move, or a text of its own. */
"use strict";
(() => {
  const cards = new Map(), H = 3600e3, MOST = 36600 * 24 * H;
  const two = (n) => String(n).padStart(2, "0");
  const local = (ms) => new Date(ms + 8 * H);
  const day = (ms) => { const d = local(ms); return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`; };
  const clock = (ms) => { const d = local(ms); return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`; };
  const moment = (ms) => `${day(ms)} ${clock(ms)}`;
  const figure = (v, line) => v === null || v === undefined ? "?" : String(Number(v.toFixed(line.rain ? 1 : 3))) + (line.unit ? " " + line.unit : "");
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const MOVES = { ArrowLeft: [-0.5, -0.5], ArrowRight: [0.5, 0.5], "+": [0.25, -0.25], "=": [0.25, -0.25], "-": [-0.5, 0.5], _: [-0.5, 0.5] };
  const DOUBTED = [3, 4]; /* suspect, held: beside the line, not on it */
  const COLOURS = ["--c1", "--c4", "--c3", "--c2", "--brand", "--drill"];

  class Card {
    constructor(el) {
      this.el = el; this.conf = JSON.parse(el.dataset.curve); this.box = el.querySelector("[data-box]"); this.note = el.querySelector("[data-said]");
      this.live = true; this.hours = this.conf.hours; this.overlay = false; this.serial = 0; this.quiet = false;
      this.chart = echarts.init(this.box, null, { renderer: "svg" });
      el.addEventListener("click", (event) => this.click(event));
      el.querySelector("[data-custom]")?.addEventListener("submit", (event) => { event.preventDefault(); this.custom(event.target); });
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.chart.on("datazoom", () => { if (this.quiet) return; clearTimeout(this.timer); this.timer = setTimeout(() => this.moved(), 300); });
      this.ask();
    }
    click(event) {
      const range = event.target.closest("[data-hours]"), before = event.target.closest("[data-before]"), move = event.target.closest("[data-move]");
      if (move) this.move(move.dataset.move);
      if (range) {
        for (const one of this.el.querySelectorAll("[data-hours]")) one.setAttribute("aria-pressed", String(one === range));
        const all = this.conf.first ? (this.now() - this.conf.first) / H : 24 * 365;
        this.live = true; this.hours = range.dataset.hours === "all" ? Math.max(all, 1) : Number(range.dataset.hours); this.ask();
      } else if (before) { this.overlay = !this.overlay; before.setAttribute("aria-pressed", String(this.overlay)); this.ask(); }
    }
    now() { return window.anlan ? window.anlan.siteNow() : this.conf.now; }
    custom(form) {
      const [from, to] = ["from", "to"].map((name) => Date.parse(form.elements[name].value + ":00+08:00"));
      if (from < to) this.look(from, to);
    }
    look(from, to) {
      this.live = to >= this.now() && from < this.now(); this.from = Math.max(from, to - MOST); this.to = Math.min(to, this.now() + 24 * H);
      if (this.live) { this.hours = (this.now() - from) / H; }
      for (const one of this.el.querySelectorAll("[data-hours]")) one.setAttribute("aria-pressed", "false");
      this.ask();
    }
    key(event) {
      if (!(event.key in MOVES) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault(); event.stopPropagation();
      this.move(event.key);
    }
    move(key) {
      const span = this.to - this.from, [left, right] = MOVES[key];
      if (span && this.from + left * span < this.to + right * span - 60e3) this.look(this.from + left * span, this.to + right * span);
    }
    moved() {
      const zoom = this.chart.getOption().dataZoom[0], span = this.edge[1] - this.edge[0];
      const from = zoom.startValue ?? this.edge[0] + span * zoom.start / 100, to = zoom.endValue ?? this.edge[0] + span * zoom.end / 100;
      if (Math.abs(from - this.from) + Math.abs(to - this.to) > (this.to - this.from) / 200 && to - from > 60e3 && to - from < MOST) this.look(from, to);
    }
    query(from, to, extra) {
      const query = new URLSearchParams();
      for (const place of this.conf.places) query.append("place", place);
      for (const series of this.conf.series) query.append("series", series);
      query.set("metric", this.conf.metric);
      if (from === null) query.set("hours", this.hours); else { query.set("from", new Date(from).toISOString()); query.set("to", new Date(to).toISOString()); }
      for (const [name, value] of Object.entries(extra || {})) query.set(name, value);
      return query;
    }
    async get(query) {
      const answer = await fetch(this.conf.url + "?" + query, { headers: { Accept: "application/json", "Accept-Language": document.documentElement.lang } });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.message || answer.status);
      return said;
    }
    async ask() {
      const mine = ++this.serial, words = this.conf.words;
      this.box.setAttribute("aria-busy", "true");
      try {
        const query = this.live ? this.query(null) : this.query(this.from, this.to);
        const said = await this.get(query);
        if (mine !== this.serial) return;
        this.from = Date.parse(said.from); this.to = Date.parse(said.to);
        const more = [];
        if (this.conf.forecast && this.live) {
          const ahead = this.query(this.from, this.to + (this.to - this.from) / 3, { metric: this.conf.forecast });
          more.push(...(await this.get(ahead).catch(() => ({ lines: [] }))).lines.map((line) => ({ ...line, name: words.forecast, dashed: "forecast" })));
        }
        if (this.overlay && this.conf.before) {
          const shift = (this.conf.before.here || this.to) - this.conf.before.at;
          const then = await this.get(this.query(this.from - shift, this.to - shift));
          more.push(...then.lines.map((line) => ({ ...line, name: this.conf.before.words, dashed: "before", t: line.t.map((t) => t + shift) })));
        }
        if (mine !== this.serial) return;
        this.said = said; this.draw([...said.lines, ...more]);
      } catch (error) {
        if (mine === this.serial) this.note.textContent = `${words.failed}: ${error.message}`;
      } finally { if (mine === this.serial) this.box.removeAttribute("aria-busy"); }
    }
    exports() {
      const query = this.query(this.from, this.to);
      for (const link of this.el.querySelectorAll("[data-export]")) { query.set("format", link.dataset.export); link.href = this.conf.export + "?" + query; }
      const form = this.el.querySelector("[data-custom]");
      if (form && !form.contains(document.activeElement)) for (const [name, at] of [["from", this.from], ["to", this.to]]) form.elements[name].value = `${day(at)}T${clock(at)}`;
    }
    words(lines) {
      const words = this.conf.words, line = lines[0], step = line.step_s, rain = line.rain ? "rain_" : "";
      const kind = step === 0 ? words[rain + "reading"] : step === 3600 ? words[rain + "hour"] : step === 86400 ? words[rain + "day"] : `${step / 60} ${words[rain + "minutes"]}`;
      if (!lines.some((one) => one.v.some((v) => v !== null))) return `${moment(this.from)} – ${moment(this.to)}: ${words.nothing}`;
      const reasons = Object.values(this.said.quality).join("; ");
      return `${moment(this.from)} – ${moment(this.to)} · ${kind}${reasons ? " · ○ " + reasons : ""} · ${words.keys}`;
    }
    limits(line) {
      const window = { 3600: "1h", 86400: "24h" }[line.step_s];
      return this.conf.limits.filter((limit) => line.rain ? limit.span === window : limit.span === "");
    }
    tip(lines, points) {
      const words = this.conf.words, out = document.createElement("div"), seen = new Set();
      out.textContent = moment(points[0].value[3] ?? points[0].value[0]);
      for (const point of points) {
        const line = lines[point.value[2]], n = point.value[4];
        if (line === undefined || n === undefined || seen.has(line)) continue;
        seen.add(line);
        const row = document.createElement("div"), parts = [figure(line.v[n], line)];
        if (line.low.length && line.low[n] !== null) parts.push(`${figure(line.low[n], line)} – ${figure(line.high[n], line)}`);
        if (line.step_s) parts.push(`${line.n[n]} ${words.count}`);
        if (line.q[n]) parts.push(this.said.quality[line.q[n]] || "");
        if (line.doubtful.length && line.doubtful[n]) parts.push(`${line.doubtful[n]} ${words.doubtful}`);
        row.textContent = `${line.name}: ${parts.join(" · ")}`; out.append(row);
      }
      return out;
    }
    axis(lines, limits, rain) {
      const values = [...limits, ...lines.flatMap((line) => [...line.v, ...line.low, ...line.high])].filter((v) => v !== null);
      const low = rain ? 0 : Math.min(...values), high = Math.max(...values, rain ? 1 : -Infinity);
      if (!Number.isFinite(low) || !Number.isFinite(high)) return { min: 0, max: 1 };
      const raw = (high > low ? high - low : Math.max(Math.abs(high) / 10, 0.4)) / 4, ten = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 2.5, 5, 10].find((one) => one * ten >= raw * 0.999) * ten;
      return { min: Math.floor(low / step) * step, max: Math.max(Math.ceil(high / step * 1.001), Math.floor(low / step) + 2) * step, interval: step };
    }
    draw(lines) {
      const shown = lines.filter((line) => !line.dashed), text = { color: token("--c-axis"), fontSize: 12, fontFamily: token("--font") };
      const span = this.to - this.from, series = [], last = Math.max(this.to, ...lines.filter((l) => l.dashed === "forecast").flatMap((l) => l.t.slice(-1)));
      lines.forEach((line, at) => {
        const colour = line.dashed === "before" ? token("--unknown") : token(COLOURS[at % COLOURS.length]), half = line.rain && line.step_s ? line.step_s * 500 : 0;
        const points = line.t.map((t, n) => [t - half, line.v[n], at, t, n]);
        const style = { width: line.dashed ? 1.6 : 2, color: colour, type: line.dashed ? "dashed" : "solid" };
        const limits = at === 0 ? this.limits(line) : [];
        const marks = { silent: true, symbol: "none", animation: false, data: limits.map((limit) => ({ yAxis: limit.value, lineStyle: { color: token(`--${limit.level}-ink`), type: "dashed", width: 1.5 }, label: { position: "insideEndTop", color: token(`--${limit.level}-ink`), fontSize: 12, fontWeight: 600, backgroundColor: token("--surface"), padding: [1, 4], formatter: `${limit.words} ${limit.value}` } })) };
        if (line.rain) series.push({ name: line.name, type: "bar", data: points, barMaxWidth: 26, barMinWidth: 1, barGap: "0%", itemStyle: { color: colour, opacity: line.dashed ? 0.3 : 0.65 }, markLine: limits.length ? marks : undefined, large: false });
        else {
          if (line.low.length && shown.length <= 3 && !line.dashed) {
            const band = { type: "line", symbol: "none", silent: true, stack: `band${at}`, lineStyle: { opacity: 0 }, tooltip: { show: false }, connectNulls: false, stackStrategy: "all" };
            series.push({ ...band, data: line.t.map((t, n) => [t, line.low[n]]) }, { ...band, data: line.t.map((t, n) => [t, line.low[n] === null ? null : line.high[n] - line.low[n]]), areaStyle: { color: colour, opacity: 0.18 } });
          }
          series.push({ name: line.name, type: "line", data: points.filter((point) => !DOUBTED.includes(line.q[point[4]])), symbol: "circle", showSymbol: points.length < 3, symbolSize: 6, connectNulls: false, lineStyle: style, itemStyle: { color: colour }, z: 3, markLine: limits.length ? marks : undefined });
        }
        const doubted = points.filter((point) => point[1] !== null && (line.q[point[4]] || line.doubtful[point[4]]));
        if (doubted.length) series.push({ name: line.name, type: "scatter", data: doubted, symbol: "emptyCircle", symbolSize: 9, itemStyle: { color: token("--orange"), borderWidth: 2 }, z: 5 });
      });
      const limits = shown.length ? this.limits(shown[0]).map((one) => one.value) : [];
      const rain = shown.some((line) => line.rain), axis = this.axis(lines, limits, rain);
      this.edge = [this.from - span, last + span];
      this.quiet = true;
      this.chart.setOption({
        animation: false, textStyle: { fontFamily: token("--font") }, grid: { left: 52, right: 18, top: lines.length > 1 ? 36 : 18, bottom: 28 },
        legend: lines.length > 1 ? { data: [...new Set(lines.map((line) => line.name))], top: 0, left: 0, type: "scroll", textStyle: { ...text, color: token("--ink-2") }, itemWidth: 14, itemHeight: 8, icon: "roundRect" } : { show: false },
        tooltip: { trigger: "axis", confine: true, backgroundColor: token("--surface"), borderColor: token("--line"), textStyle: { color: token("--ink"), fontSize: 14 }, formatter: (points) => this.tip(lines, points), axisPointer: { lineStyle: { color: token("--line-strong") } } },
        xAxis: { type: "time", min: this.edge[0], max: this.edge[1], axisLabel: { ...text, hideOverlap: true, formatter: (ms) => span > 100 * 24 * H ? day(ms).slice(0, 7) : span > 3 * 24 * H ? day(ms).slice(5) : span > 20 * H && clock(ms) === "00:00" ? day(ms).slice(5) : clock(ms) }, splitLine: { show: false }, axisLine: { lineStyle: { color: token("--line-strong") } } },
        yAxis: { type: "value", ...axis, axisLabel: { ...text, formatter: (v) => String(Number(v.toFixed(3))) }, axisLine: { show: false }, axisTick: { show: false }, splitLine: { lineStyle: { color: token("--c-grid") } } },
        dataZoom: [{ type: "inside", startValue: this.from, endValue: last, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: matchMedia("(hover: hover)").matches, minValueSpan: 5 * 60e3 }],
        series,
      }, { notMerge: true });
      setTimeout(() => { this.quiet = false; }, 50);
      this.note.textContent = this.words(shown);
      this.box.setAttribute("aria-label", `${shown.map((line) => line.name).join(", ")}: ${this.note.textContent}`);
      this.exports();
    }
  }

  function draw() {
    for (const [el, card] of cards) if (!el.isConnected) { card.chart.dispose(); cards.delete(el); }
    for (const el of document.querySelectorAll("[data-curve]")) if (!cards.has(el)) cards.set(el, new Card(el));
  }
  let soon = 0;
  document.addEventListener("anlan:part", (event) => {
    if (!["sensing", "*"].includes(event.detail) || soon) return;
    soon = setTimeout(() => { soon = 0; for (const card of cards.values()) if (card.live && !card.box.matches(":hover") && document.visibilityState === "visible") card.ask(); }, 5000);
  });
  addEventListener("resize", () => { for (const card of cards.values()) card.chart.resize(); });
  document.addEventListener("htmx:load", draw);
  draw();
})();
