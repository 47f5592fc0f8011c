"use strict";
// Point at a box, in the picture or in the text, and both light up; press it to hold it.
function light(chain, number) {
  chain.classList.toggle("lighting", number !== undefined);
  for (const each of chain.querySelectorAll("[data-box]")) {
    each.classList.toggle("lit", each.dataset.box === number);
  }
}
function boxOf(event) {
  const box = event.target.closest?.("[data-box]");
  return box && { chain: box.closest(".chain"), number: box.dataset.box };
}
for (const begin of ["pointerover", "focusin"]) {
  document.addEventListener(begin, (event) => {
    const found = boxOf(event);
    if (found) light(found.chain, found.number);
  });
}
for (const end of ["pointerout", "focusout"]) {
  document.addEventListener(end, (event) => {
    const found = boxOf(event);
    if (found) light(found.chain, found.chain.dataset.held);
  });
}
function hold(event) {
  const found = boxOf(event);
  for (const chain of document.querySelectorAll(".chain[data-held]")) {
    const again = found && chain === found.chain && chain.dataset.held === found.number;
    delete chain.dataset.held;
    light(chain, undefined);
    if (again) return;
  }
  if (!found) return;
  found.chain.dataset.held = found.number;
  light(found.chain, found.number);
}
document.addEventListener("click", hold);
document.addEventListener("keydown", (event) => {
  if ((event.key === "Enter" || event.key === " ") && boxOf(event)) {
    event.preventDefault();
    hold(event);
  }
});

// Which kinds of chains are shown.
const filters = document.querySelector(".filters");
if (filters) {
  filters.hidden = false;
  filters.addEventListener("click", (event) => {
    const shown = event.target.dataset.show;
    if (!shown) return;
    for (const each of filters.children) {
      each.setAttribute("aria-pressed", String(each === event.target));
    }
    for (const set of document.querySelectorAll(".set")) {
      let any = false;
      for (const card of set.querySelectorAll(".card")) {
        card.hidden = shown !== "all" && card.dataset.kind !== shown;
        any ||= !card.hidden;
      }
      set.hidden = !any;
    }
  });
}

// The value under the pointer, for every curve.
for (const plot of document.querySelectorAll("svg[data-points]")) {
  const points = JSON.parse(plot.dataset.points);
  const output = plot.closest("figure").querySelector("output");
  const dot = plot.querySelector(".at");
  const last = points[points.length - 1];
  const show = ([x, y], text) => {
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    output.textContent = text;
  };
  plot.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse()).x;
    const near = points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
    show(near, `step ${near[2]}: ${near[3]}`);
  });
  plot.addEventListener("pointerleave", () => show(last, last[3]));
}
