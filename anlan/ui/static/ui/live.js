/* The live client: one event stream says "part X changed", htmx fetches that part again.
   Also ticks deadlines and the clock from the server's time. Never: a decision, a secret, a timer per row. */
"use strict";
(() => {
  const body = document.body;
  const words = JSON.parse(body.dataset.words || "{}");
  let base = Number(body.dataset.now), rate = Number(body.dataset.rate || 1), at = performance.now();
  const siteNow = () => base + (performance.now() - at) * rate;
  window.anlan = { siteNow };

  /* ---- time ---- */
  const two = (n) => String(n).padStart(2, "0");
  function stretch(seconds) {
    const s = Math.abs(seconds);
    if (s < 1200) return Math.floor(s / 60) + ":" + two(Math.floor(s % 60));
    if (s < 6000) return Math.floor(s / 60) + " " + words.min;
    if (s < 172800) return Math.floor(s / 3600) + " " + words.hour;
    return Math.floor(s / 86400) + " " + words.day;
  }
  function tick() {
    const now = siteNow();
    for (const el of document.querySelectorAll("[data-due]")) {
      const left = (Number(el.dataset.due) - now) / 1000, late = left < 0;
      el.firstChild.nodeValue = (late ? words.late : words.left) + " ";
      el.querySelector("b").textContent = stretch(left);
      const due = el.closest(".due");
      if (due) { due.classList.toggle("late", late); due.classList.toggle("soon", !late && left < 1200); }
    }
    for (const el of document.querySelectorAll("[data-since]")) el.textContent = stretch((now - Number(el.dataset.since)) / 1000);
    const clock = document.getElementById("site-clock");
    if (clock) {
      const local = new Date(now + 8 * 3600e3);
      clock.firstChild.nodeValue = two(local.getUTCHours()) + ":" + two(local.getUTCMinutes());
      clock.lastElementChild.textContent = ":" + two(local.getUTCSeconds());
    }
  }
  setInterval(tick, 1000);

  async function askClock() {
    try {
      const answer = await fetch("/clock", { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const said = await answer.json();
      base = said.now; rate = said.rate; at = performance.now();
    } catch { /* the bar already says that the connection is gone */ }
  }
  setInterval(askClock, 30000);

  /* ---- a page that waits for a fresh site: the old one still knows this login, the new one does not ---- */
  const wait = document.querySelector("[data-wait]");
  async function askFresh() {
    try {
      const answer = await fetch(wait.dataset.ask, { redirect: "manual", cache: "no-store" });
      if (!answer.ok && answer.status < 500) { location.assign(wait.dataset.wait); return; }
    } catch { /* between the two nobody answers */ }
    setTimeout(askFresh, 500);
  }
  if (wait) setTimeout(askFresh, 1000);

  /* ---- live parts ---- */
  const waiting = new Map();
  const parts = (el) => (el.dataset.part || "").split(/\s+/);
  const watched = (name) => [...document.querySelectorAll("[data-part][hx-get]")].filter((el) => parts(el).includes(name));
  const busy = (el) => el.matches(":hover") && matchMedia("(hover: hover)").matches && "calm" in el.dataset && el.querySelector("li, tbody tr") || el.contains(document.activeElement) && /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName);
  function refresh(el) {
    clearTimeout(waiting.get(el)?.timer); waiting.delete(el);
    el.querySelector(":scope > .updates")?.remove();
    if (el.isConnected) htmx.trigger(el, "part-changed");
  }
  function chip(el) {
    const entry = waiting.get(el);
    let holder = el.querySelector(":scope > .updates");
    if (!holder) {
      holder = document.createElement("div"); holder.className = "updates";
      const button = document.createElement("button"); button.type = "button"; button.addEventListener("click", () => refresh(el));
      holder.append(button); el.prepend(holder);
      el.addEventListener("mouseleave", () => waiting.has(el) && refresh(el), { once: true });
    }
    holder.firstChild.textContent = entry.count + " " + words.updates;
  }
  function changed(name) {
    countSoon();
    document.dispatchEvent(new CustomEvent("anlan:part", { detail: name }));
    for (const el of watched(name)) {
      const entry = waiting.get(el) || { count: 0 };
      entry.count += 1; waiting.set(el, entry);
      if (busy(el)) { chip(el); continue; }
      if (!entry.timer) entry.timer = setTimeout(() => { entry.timer = 0; busy(el) ? chip(el) : refresh(el); }, 250);
    }
  }
  function everything() {
    countSoon();
    document.dispatchEvent(new CustomEvent("anlan:part", { detail: "*" }));
    for (const el of document.querySelectorAll("[data-part][hx-get]")) if (!busy(el)) refresh(el);
  }

  /* ---- the navigation's figures: asked once after a burst of changes ---- */
  let counting = 0;
  function badge(link, css, shown) {
    let span = link.querySelector("." + css);
    if (!shown) { span?.remove(); return; }
    if (!span) { span = document.createElement("span"); link.append(span); }
    span.className = css + (css === "count" && shown[1] ? " hot" : "");
    span.textContent = shown[0];
  }
  async function askCounts() {
    counting = 0;
    try {
      const answer = await fetch("/counts", { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!answer.ok) return;
      const said = await answer.json();
      for (const link of document.querySelectorAll(".nav > a[href]")) badge(link, "count", said[link.getAttribute("href")]);
      for (const link of document.querySelectorAll(".tabbar > a[href]")) {
        const shown = said[link.getAttribute("href")];
        badge(link, "dotn", shown && shown[1] ? shown : null);
      }
    } catch { /* the bar already says that the connection is gone */ }
  }
  function countSoon() { if (!counting) counting = setTimeout(askCounts, 700); }

  /* ---- the stream, and polling while it is gone ---- */
  const bar = document.getElementById("stale");
  let poll = 0, stream = null, grace = 0;
  function lost() {
    clearTimeout(grace);
    grace = setTimeout(() => { if (bar) bar.hidden = false; if (!poll) poll = setInterval(everything, 15000); }, 3000);
  }
  function found() { clearTimeout(grace); if (bar) bar.hidden = true; if (poll) { clearInterval(poll); poll = 0; everything(); } }
  function open() {
    stream = new EventSource(body.dataset.events);
    stream.addEventListener("open", found);
    stream.addEventListener("part", (event) => { found(); const said = JSON.parse(event.data); if (said.part === "clock") askClock(); changed(said.part); });
    stream.addEventListener("error", () => { lost(); if (stream.readyState === EventSource.CLOSED) setTimeout(open, 5000); });
  }
  if (body.dataset.events && document.querySelector("[data-part], .nav")) open();
  addEventListener("pagehide", () => stream?.close());

  /* ---- confirm in a dialog that names people and place ---- */
  let allowed = null;
  function ask(question, go) {
    const dialog = document.getElementById("confirm");
    if (!dialog) { go(); return; }
    dialog.querySelector(".ask").textContent = question;
    const [no, yes] = [dialog.querySelector("[value=no]"), dialog.querySelector("[value=yes]")];
    no.textContent = words.no; yes.textContent = words.yes;
    no.onclick = () => dialog.close();
    yes.onclick = () => { dialog.close(); go(); };
    dialog.showModal(); no.focus();
  }
  document.addEventListener("htmx:confirm", (event) => {
    const question = event.detail.question;
    if (!question) return;
    event.preventDefault();
    ask(question, () => event.detail.issueRequest(true));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || allowed === form) { allowed = null; return; }
    event.preventDefault();
    ask(form.dataset.confirm, () => { allowed = form; form.requestSubmit(event.submitter); });
  }, true);
  document.addEventListener("change", (event) => { if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit(); });
  document.addEventListener("click", (event) => {
    const fill = event.target.closest("[data-fill]");
    if (!fill) return;
    for (const [name, value] of Object.entries(JSON.parse(fill.dataset.fill))) document.querySelector(`[name="${name}"]`).value = value;
    if (fill.dataset.go !== undefined) document.querySelector(`[name="${Object.keys(JSON.parse(fill.dataset.fill))[0]}"]`).form.requestSubmit();
  });
})();
