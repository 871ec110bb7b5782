// The villagers' page: shows what rings, and lets a person pick up, listen to the end, press a key and hang up.
"use strict";
const RESULTS = {
  heard_and_confirmed: ["听完并按键", "ok"], heard: ["听完没按键", ""], partial: ["没听完就挂了", "bad"], no_answer: ["无人接", "bad"],
  busy: ["占线", "bad"], bad_number: ["空号", "bad"], rejected: ["拒接", "bad"], cancelled: ["指挥部停呼", ""],
};
const STATES = { dialling: "正在接通", ringing: "响铃", talking: "通话" };
const live = document.getElementById("live");
const over = document.getElementById("over");
const spoken = new Set();
let kinds = {};

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

async function post(address, body) {
  await fetch(address, { method: "POST", headers: { "X-Phones": "1", "Content-Type": "application/json" }, body: JSON.stringify(body || {}) });
  await refresh();
}

function button(label, className, address, disabled) {
  const node = make("button", className, label);
  node.type = "button";
  node.dataset.key = address;
  node.disabled = Boolean(disabled);
  node.addEventListener("click", () => post(address));
  return node;
}

function ownerSelect(call) {
  const select = make("select");
  select.dataset.key = "owner-" + call.number;
  select.setAttribute("aria-label", "号码 " + call.number + " 的主人");
  const auto = make("option", "", "按种子随机");
  auto.value = "";
  select.append(auto);
  for (const [kind, title] of Object.entries(kinds)) {
    const option = make("option", "", title);
    option.value = kind;
    option.selected = kind === call.kind;
    select.append(option);
  }
  select.addEventListener("change", () => post("/numbers/" + encodeURIComponent(call.number), { kind: select.value }));
  return select;
}

// Whole seconds that have been played, never rounded up: a key pressed while it still plays counts for nothing.
function played(call) {
  if (call.for_s >= call.of_s) return "已播完";
  return `已播 ${Math.floor(call.for_s)} / ${Math.ceil(call.of_s)} 秒`;
}

function phone(call) {
  const card = make("article", "phone " + (call.state === "talking" ? "talking" : "ringing"));
  const head = make("div", "row");
  head.append(make("span", "bell"), make("span", "number", call.number), make("span", "pill" + (call.by_hand ? " ok" : ""), call.by_hand ? "手动" : "自动"));
  const time = call.state === "talking" ? played(call) : `${STATES[call.state]} ${call.for_s.toFixed(0)} 秒`;
  head.append(make("span", "meta num push", time));
  const bar = make("div", "bar");
  const fill = make("i");
  const share = call.state === "talking" ? call.for_s / call.of_s : call.for_s / (call.ring_s + 2);
  fill.style.width = Math.min(100, share * 100) + "%";
  bar.append(fill);
  const acts = make("div", "row");
  const talking = call.state === "talking";
  if (!talking) acts.append(button("接听", "go", `/phones/${call.id}/up`));
  if (talking) acts.append(button("按 1 确认", "go", `/phones/${call.id}/key-1`), button("按 2", "", `/phones/${call.id}/key-2`));
  acts.append(button(talking ? "挂断" : "拒接", "stop", `/phones/${call.id}/down`));
  card.append(head, bar, make("p", "text", "“" + call.text + "”"), acts, ownerSelect(call));
  return card;
}

function finished(call) {
  const [word, tone] = RESULTS[call.result] || [call.result, ""];
  const row = make("tr");
  const time = new Date(call.at * 1000).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
  row.append(make("td", "num", time), make("td", "num", call.number));
  const result = make("td");
  result.append(make("span", "pill " + tone, word));
  const owner = make("td");
  owner.append(ownerSelect(call));
  row.append(result, owner, make("td", "meta", call.text.slice(0, 40)));
  return row;
}

function speak(call) {
  if (!document.getElementById("speak").checked || call.state !== "talking" || spoken.has(call.id) || !window.speechSynthesis) return;
  spoken.add(call.id);
  const words = new SpeechSynthesisUtterance(call.text);
  words.lang = "zh-CN";
  speechSynthesis.speak(words);
}

function replace(parent, nodes) {
  // A list that is open or focused under the person's hand must not be taken away.
  const active = document.activeElement;
  if (active && active.tagName === "SELECT" && parent.contains(active)) return;
  const key = active && parent.contains(active) ? active.dataset.key : undefined;
  parent.replaceChildren(...nodes);
  const again = key && parent.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (again) again.focus();
}

async function refresh() {
  const response = await fetch("/board.json", { cache: "no-store" });
  const board = await response.json();
  kinds = board.kinds;
  document.getElementById("clock").textContent = new Date(board.now).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
  const ringing = board.live.filter((call) => call.state !== "talking").length;
  document.getElementById("count").textContent = `响铃 ${ringing}，通话 ${board.live.length - ringing}`;
  board.live.sort((a, b) => (a.state === b.state ? b.level - a.level || a.at - b.at : a.state === "talking" ? -1 : 1));
  replace(live, board.live.length ? board.live.map(phone) : [make("div", "empty", "没有电话在响。警情一来，这里就会响起来。")]);
  replace(over, board.over.map(finished));
  board.live.forEach(speak);
}

async function loop() {
  try {
    await refresh();
    document.getElementById("lost").classList.remove("on");
  } catch {
    document.getElementById("lost").classList.add("on");
  }
  setTimeout(loop, 700);
}

document.addEventListener("focusout", (event) => { if (event.target.tagName === "SELECT") setTimeout(refresh, 50); });
loop();
