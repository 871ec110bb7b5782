/* Keyboard at the desk: J K Enter 1–9 / ? and the key shown on a button (data-key). No key acts without a confirm of its form. */
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("[data-keys] > li, [data-keys] > tbody > tr")];
  const current = () => rows().find((row) => row.hasAttribute("aria-current"));
  function go(index) {
    const all = rows();
    if (!all.length) return;
    const row = all[Math.max(0, Math.min(index, all.length - 1))];
    for (const one of all) one.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new CustomEvent("anlan:row", { detail: row }));
  }
  function act() {
    const row = current();
    for (const what of [".act .btn.primary", ".act .btn.danger", ".act .btn", "a[href]"]) {
      const found = row?.querySelector(what);
      if (found) { found.click(); return; }
    }
  }
  function help() { const dialog = document.getElementById("help"); if (dialog && !dialog.open) dialog.showModal(); }
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(target.tagName) || document.querySelector("dialog[open]")) {
      if (event.key === "Escape" && target.id === "top-search") target.blur();
      return;
    }
    const at = rows().indexOf(current());
    const key = event.key.toLowerCase();
    if (key === "j") go(at + 1);
    else if (key === "k") go(at - 1);
    else if (event.key === "Enter" && target === document.body) act();
    else if (/^[1-9]$/.test(key)) go(Number(key) - 1);
    else if (key === "/") document.getElementById("top-search")?.focus();
    else if (key === "?") help();
    else {
      const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
      if (!button) return;
      button.click();
    }
    event.preventDefault();
  });
  /* a list that was fetched again keeps the row that was chosen */
  let chosen = "";
  document.addEventListener("anlan:row", (event) => { chosen = event.detail.id; });
  document.addEventListener("htmx:afterSwap", () => {
    const row = chosen && document.getElementById(chosen);
    if (row && !row.hasAttribute("aria-current")) { current()?.removeAttribute("aria-current"); row.setAttribute("aria-current", "true"); }
  });
})();
