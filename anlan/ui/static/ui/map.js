/* The one map: layers as JSON from this site, drawn by Leaflet without tiles, and a list that reaches all it shows.
   Never: a request to another host, a feature the server did not send, a level told by colour alone. */
"use strict";
(() => {
  const root = document.getElementById("map-page"), words = JSON.parse(root.dataset.words);
  const $ = (id) => document.getElementById(id);
  const narrow = matchMedia("(max-width: 900px)");
  const LEVELS = ["none", "blue", "yellow", "orange", "red"];
  const SHAPES = {
    red: "M-5.8-14H5.8L14-5.8V5.8L5.8 14H-5.8L-14 5.8V-5.8z", orange: "M0-15 15 0 0 15-15 0z",
    yellow: "M0-15.5 15.5 11.5H-15.5z", blue: "M0-11.5a11.5 11.5 0 1 1-.01 0z", none: "M0-11.5a11.5 11.5 0 1 1-.01 0z",
    rest: "M0-5a5 5 0 1 1-.01 0z", river: "M-7-5H7L0 7z",
  };

  /* ---- drawings ---- */
  const NS = "http://www.w3.org/2000/svg";
  const tag = (name, attributes) => { const el = document.createElementNS(NS, name); for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value); return el; };
  function glyph(name, css, scale, down) {
    const g = tag("g", { class: "g-" + css, fill: "none", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", transform: `translate(0 ${down}) scale(${scale}) translate(-12 -12)` });
    const drawn = document.querySelector(`#glyphs [data-glyph="${CSS.escape(name)}"] svg`);
    if (drawn) for (const part of drawn.children) g.append(part.cloneNode(true));
    return g;
  }
  function symbol(own) {
    const css = own.shape === "level" ? LEVELS[own.level] : own.unknown ? "none" : own.css === "river_station" ? "river" : "rest";
    const svg = tag("svg", { viewBox: "-18 -18 36 36", "aria-hidden": "true" });
    svg.append(tag("path", { d: SHAPES[css], class: "s-" + css, "stroke-width": 1.8, "stroke-linejoin": "round" }));
    if (css === "none") { const q = tag("text", { "text-anchor": "middle", y: 5, class: "q", "font-size": 15, "font-weight": 700, fill: "currentColor" }); q.textContent = "?"; svg.append(q); }
    else if (own.shape === "level") svg.append(glyph(own.glyph, css, 0.72, css === "yellow" ? 2 : 0));
    return svg;
  }
  function listed(own) {
    if (own.shape === "level" || own.shape === "station") return symbol(own);
    const svg = tag("svg", { viewBox: "-18 -18 36 36", "aria-hidden": "true" }), danger = own.shape === "hatch";
    svg.append(tag("circle", { r: danger ? 12 : 5, class: danger ? "m-danger" : "m-village", fill: danger ? "url(#m-hatch)" : "" }));
    return svg;
  }
  for (const el of root.querySelectorAll(".lg [data-level]")) el.prepend(symbol({ shape: Number(el.dataset.level) ? "level" : "station", level: Number(el.dataset.level), unknown: true, glyph: "" }));

  /* ---- ground ---- */
  const map = L.map("map-view", { attributionControl: false, zoomControl: false, zoomSnap: 0.25, zoomDelta: 0.5, minZoom: 8, maxZoom: 15, preferCanvas: false });
  L.control.zoom({ position: "bottomright" }).addTo(map);
  const PANES = ["land", "water", "road", "edge", "village", "danger", "station", "level", "label", "ring"];
  const renderers = {};
  PANES.forEach((name, index) => { map.createPane(name).style.zIndex = 300 + index * 10; renderers[name] = L.svg({ pane: name, padding: 0.5 }); });
  map.getPane("label").style.pointerEvents = "none";
  const buttons = [...root.querySelectorAll("[data-bounds]")];
  function look(button) {
    const [[s, w], [n, e]] = JSON.parse(button.dataset.bounds);
    const wide = !narrow.matches;
    map.fitBounds([[s, w], [n, e]], { animate: false, paddingTopLeft: wide ? [236, 64] : [16, 64], paddingBottomRight: wide ? [350, 56] : [16, 16], maxZoom: 13 });
    for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
  }
  for (const button of buttons) button.addEventListener("click", () => look(button));
  look(buttons[buttons.length - 1]);

  /* ---- features ---- */
  const layers = new Map();           /* key → { box, group, features, at } */
  const path = (pane, css, more) => ({ pane, renderer: renderers[pane], className: css, ...more });
  const at = (feature) => { const [lon, lat] = feature.geometry.coordinates; return L.latLng(lat, lon); };
  function draw(feature) {
    const own = feature.properties, shape = own.shape;
    if (shape === "county" || shape === "outline") {
      const edge = L.geoJSON(feature, { interactive: false, ...path("edge", `m-edge ${own.css} ${shape}`) });
      return shape === "outline" ? edge : L.layerGroup([L.geoJSON(feature, { interactive: false, ...path("land", `m-land ${own.css}`) }), edge]);
    }
    if (shape === "line") return L.geoJSON(feature, { interactive: false, ...path(own.css === "road" ? "road" : "water", `m-line ${own.css}`) });
    if (shape === "label") return null;
    let drawn;
    if (shape === "hatch") drawn = L.circleMarker(at(feature), path("danger", "m-danger", { radius: 5 + Math.sqrt(own.people || 0) / 2, fillColor: "url(#m-hatch)" }));
    else if (shape === "village") drawn = L.circleMarker(at(feature), path("village", "m-village", { radius: 3 }));
    else {
      const size = shape === "level" ? 36 : 26;
      drawn = L.marker(at(feature), { pane: shape === "level" ? "level" : "station", keyboard: false, icon: L.divIcon({ className: "m-icon" + (own.eased ? " eased" : ""), html: symbol(own), iconSize: [size, size] }) });
    }
    const tip = document.createElement("div"), name = document.createElement("b");
    name.textContent = own.label; tip.append(name, document.createElement("br"), own.note || "");
    return drawn.bindTooltip(tip, { direction: "top", offset: [0, -8] }).on("click", () => open(own.panel, own.key));
  }

  /* ---- labels: alarms first, none over another, at most eight names of objects ---- */
  const RANK = { level: 0, county: 1, town: 3, figure: 4, hatch: 5, river: 6, village: 7 };
  function wanted(feature, zoom) {
    const own = feature.properties, shape = own.shape;
    if (shape === "level") return { css: `named l${own.level}`, text: own.label + (own.people ? ` ${own.people} ${words.people}` : ""), side: 20, rank: RANK.level, object: true };
    if (shape === "county" && zoom < 11.5) return { css: "county", text: own.label, rank: RANK.county, wide: 21, where: L.latLng(own.label_at) };
    if (shape === "label" && zoom >= 10) return { css: "town", text: own.label, rank: RANK.town };
    if (shape === "station" && zoom >= 10.5 && (zoom >= 12.5 || own.unknown || Number(own.figure) > 0)) return { css: own.unknown ? "figure u" : "figure", text: own.figure, side: 12, rank: RANK.figure };
    if (shape === "hatch" && zoom >= 11.5) return { css: "", text: own.label, side: 14, rank: RANK.hatch, object: true };
    if (shape === "village" && zoom >= 12.5) return { css: "", text: own.label, side: 6, rank: RANK.village };
    if (shape === "line" && own.css === "river" && own.label && zoom >= 9.5) { const line = feature.geometry.coordinates, mid = line[line.length >> 1]; return { css: "river", text: own.label, rank: RANK.river, where: L.latLng(mid[1], mid[0]) }; }
    return null;
  }
  const labels = L.layerGroup().addTo(map);
  function label() {
    labels.clearLayers();
    const zoom = map.getZoom(), size = map.getSize(), found = [], taken = [];
    for (const { box, features } of layers.values()) if (box.checked) for (const feature of features) { const one = wanted(feature, zoom); if (one) found.push({ ...one, where: one.where || at(feature), feature }); }
    found.sort((a, b) => a.rank - b.rank || (b.feature.properties.level || 0) - (a.feature.properties.level || 0) || (b.feature.properties.people || 0) - (a.feature.properties.people || 0));
    for (const one of found) if (one.rank === RANK.level) { const p = map.latLngToContainerPoint(one.where); taken.push([p.x - 15, p.y - 15, p.x + 15, p.y + 15]); }
    const frame = $("map-view").getBoundingClientRect();
    for (const panel of root.querySelectorAll(".panel, .mnote b, .leaflet-control")) {
      const box = panel.getBoundingClientRect();
      taken.push([box.left - frame.left, box.top - frame.top, box.right - frame.left, box.bottom - frame.top]);
    }
    let objects = 0;
    for (const one of found) {
      if (one.object && objects >= 8) continue;
      const p = map.latLngToContainerPoint(one.where);
      if (p.x < 0 || p.y < 0 || p.x > size.x || p.y > size.y) continue;
      const width = [...one.text].reduce((sum, sign) => sum + (sign > "\u2e80" ? one.wide || 14 : 8), 4), high = one.css === "county" ? 22 : 17;
      const tries = one.side ? [[one.side, -high / 2], [-one.side - width, -high / 2], [-width / 2, one.side], [-width / 2, -one.side - high], [14 - width, one.side], [14 - width, -one.side - high], [-14, one.side], [-14, -one.side - high]] : [[-width / 2, -high / 2]];
      const spot = tries.map(([x, y]) => [p.x + x, p.y + y, p.x + x + width, p.y + y + high]).find((box) => box[0] >= 0 && box[1] >= 0 && box[2] <= size.x && box[3] <= size.y && !taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1]));
      if (!spot) continue;
      taken.push(spot); if (one.object) objects += 1;
      const el = document.createElement("span"); el.className = "m-label " + one.css; el.textContent = one.text;
      L.marker(one.where, { pane: "label", interactive: false, keyboard: false, icon: L.divIcon({ className: "", html: el, iconSize: [0, 0], iconAnchor: [p.x - spot[0], p.y - spot[1]] }) }).addTo(labels);
    }
  }
  map.on("moveend zoomend resize", label);

  /* ---- the list ---- */
  const ORDER = { level: 0, hatch: 2, station: 3, village: 4 };
  const place = (own) => own.shape === "station" && own.unknown ? 1 : ORDER[own.shape];
  function entries() {
    const seen = new Map();
    for (const { box, features } of layers.values()) if (box.checked) for (const feature of features) {
      const own = feature.properties;
      if (own.key && (!seen.has(own.key) || place(own) < place(seen.get(own.key).properties))) seen.set(own.key, feature);
    }
    return [...seen.values()].sort((a, b) => place(a.properties) - place(b.properties) || (b.properties.level || 0) - (a.properties.level || 0) || (b.properties.people || 0) - (a.properties.people || 0) || a.properties.key.localeCompare(b.properties.key));
  }
  function list() {
    const asked = $("map-find").value.trim().toLowerCase(), rows = $("map-rows"), kept = rows.querySelector("[aria-current]")?.id;
    const focus = document.activeElement?.closest?.("#map-rows li")?.id, all = entries();
    const shown = all.filter(({ properties: own }) => !asked || (own.label + " " + own.key).toLowerCase().includes(asked));
    rows.replaceChildren(...shown.map(({ properties: own }) => {
      const li = document.createElement("li"), a = document.createElement("a"), b = document.createElement("b"), span = document.createElement("span");
      li.id = "row-" + own.key; li.dataset.key = own.key; if (own.unknown) li.className = "u";
      a.href = root.baseURI.split("?")[0] + "?place=" + encodeURIComponent(own.key); a.dataset.panel = own.panel;
      b.className = span.className = "clip"; b.textContent = own.label; span.textContent = (own.level ? own.people + " " + words.people + " · " : "") + (own.note || "");
      a.append(listed(own), b, span); li.append(a);
      if (li.id === kept) li.setAttribute("aria-current", "true");
      return li;
    }));
    if (!shown.length) { const li = document.createElement("li"); li.className = "empty"; li.textContent = words.nothing; rows.append(li); }
    if (focus) document.querySelector("#" + CSS.escape(focus) + " a")?.focus({ preventScroll: true });
    $("map-total").textContent = shown.length === all.length ? all.length : `${shown.length} / ${all.length}`;
  }
  $("map-find").addEventListener("input", list);
  $("map-rows").addEventListener("click", (event) => {
    const a = event.target.closest("a[data-panel]");
    if (!a || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); open(a.dataset.panel, a.closest("li").dataset.key);
  });
  document.addEventListener("anlan:row", (event) => ring(event.detail.dataset.key));

  /* ---- counts ---- */
  function count() {
    let unknown = 0;
    for (const { box, features, loaded } of layers.values()) {
      const said = box.parentElement.querySelector("[data-count]"), stations = features.filter((f) => f.properties.shape === "station");
      const lost = stations.filter((f) => f.properties.unknown).length; unknown += lost;
      const number = features.filter((f) => f.properties.key).length;
      said.textContent = !loaded ? "—" : stations.length ? `${stations.length - lost} / ${stations.length}` : features.some((f) => f.properties.key) || box.value === "alarms" ? number : "";
      said.classList.toggle("t-unknown", lost > 0);
    }
    const alarms = layers.get("alarms"), out = $("map-count"); out.replaceChildren();
    const part = (n, text) => { const b = document.createElement("b"); b.textContent = n; out.append(b, " " + text); };
    if (alarms) { part(alarms.loaded ? alarms.features.length : "?", words.alarms); out.append(" · "); }
    part(unknown, words.unknown);
  }

  /* ---- fetching; a layer that fails keeps what it had, with its time ---- */
  const failed = new Map();
  async function load(entry) {
    try {
      const answer = await fetch(entry.box.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      entry.features = (await answer.json()).features; entry.loaded = true; entry.at = window.anlan.siteNow(); failed.delete(entry);
      entry.group.clearLayers();
      for (const feature of entry.features) { const drawn = draw(feature); if (drawn) entry.group.addLayer(drawn); }
    } catch { failed.set(entry, true); }
  }
  function tellStale() {
    const note = $("map-stale"), oldest = Math.min(...[...failed.keys()].map((entry) => entry.at || Infinity));
    note.hidden = failed.size === 0;
    if (!failed.size) return;
    note.firstElementChild.textContent = words.stale + (Number.isFinite(oldest) ? new Date(oldest + 8 * 3600e3).toISOString().slice(11, 16) : "—");
    note.lastElementChild.textContent = words.again;
  }
  $("map-stale").lastElementChild.addEventListener("click", () => refresh([...failed.keys()]));
  const show = () => { for (const { box, group } of layers.values()) box.checked ? group.addTo(map) : group.remove(); count(); list(); label(); };
  async function refresh(some) { await Promise.all(some.map(load)); tellStale(); show(); if (chosen) ring(chosen); }
  for (const box of root.querySelectorAll(".layers input")) {
    layers.set(box.value, { box, group: L.layerGroup(), features: [], loaded: false, at: 0 });
    box.addEventListener("change", () => { remember(); const entry = layers.get(box.value); entry.loaded ? show() : refresh([entry]); });
  }
  const needed = ({ box }) => box.checked || box.value === "alarms";
  const due = new Set();
  let timer = 0;
  document.addEventListener("anlan:part", ({ detail }) => {
    for (const entry of layers.values()) if (needed(entry) && entry.box.dataset.parts && (detail === "*" || entry.box.dataset.parts.split(" ").includes(detail))) due.add(entry);
    if (due.size && !timer) timer = setTimeout(() => { timer = 0; const some = [...due]; due.clear(); refresh(some); }, detail === "alarms" ? 500 : 4000);
  });
  setInterval(() => document.dispatchEvent(new CustomEvent("anlan:part", { detail: "*" })), 60000);  /* ages grow by themselves */

  /* ---- the address remembers layers and place ---- */
  function remember() {
    const boxes = [...layers.values()].map(({ box }) => box), url = new URL(location.href);
    if (boxes.every((box) => box.checked === "default" in box.dataset)) url.searchParams.delete("layers");
    else url.searchParams.set("layers", boxes.filter((box) => box.checked).map((box) => box.value).join(","));
    chosen ? url.searchParams.set("place", chosen) : url.searchParams.delete("place");
    history.replaceState(null, "", url.href.replaceAll("%2C", ","));
  }

  /* ---- the panel ---- */
  let chosen = "";
  const ringed = L.layerGroup().addTo(map);
  function spot(key) {
    for (const { features } of layers.values()) for (const feature of features) if (feature.properties.key === key) return at(feature);
    const told = $("map-detail").querySelector("[data-place]");  /* a place of a layer that is off */
    return told && told.dataset.place === key ? L.latLng(Number(told.dataset.lat), Number(told.dataset.lon)) : null;
  }
  function ring(key, pan) {
    ringed.clearLayers();
    const where = spot(key);
    if (where) {
      L.circleMarker(where, path("ring", "m-ring", { radius: 22, interactive: false })).addTo(ringed);
      if (pan || !map.getBounds().pad(-0.12).contains(where)) map.panInside(where, { paddingTopLeft: narrow.matches ? [40, 80] : [250, 80], paddingBottomRight: narrow.matches ? [40, 40] : [370, 60], animate: false });
    }
  }
  function open(panel, key) {
    chosen = key; remember(); ring(key, true);
    htmx.ajax("GET", panel, { target: "#map-detail", swap: "innerHTML" }).then(() => { if (narrow.matches) $("map-side").scrollIntoView({ block: "nearest" }); $("map-detail").querySelector("[data-close]")?.focus({ preventScroll: true }); });
  }
  function close() {
    const back = chosen; chosen = ""; $("map-detail").replaceChildren(); ringed.clearLayers(); remember();
    document.querySelector("#" + CSS.escape("row-" + back) + " a")?.focus({ preventScroll: true });
  }
  root.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) close(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && chosen && !document.querySelector("dialog[open]")) close(); });
  chosen = $("map-detail").querySelector("[data-place]")?.dataset.place || "";
  if (narrow.matches) root.querySelector(".layers").open = false;
  refresh([...layers.values()].filter(needed)).then(() => { root.dataset.ready = "true"; });
})();
