/* Signature: what a finger draws on the canvas goes into the form as a PNG. */
"use strict";
for (const form of document.querySelectorAll("form[data-sign]")) {
  const canvas = form.querySelector("canvas"), ink = canvas.getContext("2d");
  ink.lineWidth = 4; ink.lineCap = "round";
  let drawn = false;
  const at = (event) => { const box = canvas.getBoundingClientRect(); return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height]; };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); ink.beginPath(); ink.moveTo(...at(event)); event.preventDefault(); });
  canvas.addEventListener("pointermove", (event) => { if (!event.buttons) return; ink.lineTo(...at(event)); ink.stroke(); drawn = true; });
  form.addEventListener("submit", () => { if (drawn) form.elements.image.value = canvas.toDataURL("image/png"); });
}
