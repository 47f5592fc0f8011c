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
function hold(found) {
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
document.addEventListener("click", (event) => hold(boxOf(event)));
document.addEventListener("keydown", (event) => {
  const found = boxOf(event);
  if ((event.key === "Enter" || event.key === " ") && found) {
    event.preventDefault();
    hold(found);
  }
  if (event.key === "Escape") hold(undefined);
});

// Which chains are shown: a card has to fit every filter and hold every word that is searched for.
const filters = document.querySelector(".filters");
if (filters) {
  const wanted = {};
  const cards = [...document.querySelectorAll(".card")];
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const perPage = Number(filters.dataset.perPage) || cards.length || 1;
  const pager = document.querySelector(".pager");
  let words = [];
  let at = 0;
  const fits = (card, place) =>
    Object.entries(wanted).every(([key, value]) => !value || card.dataset[key] === value) &&
    words.every((word) => texts[place].includes(word));
  const apply = (page) => {
    const found = cards.filter(fits);
    const pages = Math.max(1, Math.ceil(found.length / perPage));
    at = Math.min(Math.max(page, 0), pages - 1);
    const shown = new Set(found.slice(at * perPage, (at + 1) * perPage));
    for (const card of cards) card.hidden = !shown.has(card);
    for (const part of document.querySelectorAll(".set, .of-run")) {
      part.hidden = !part.querySelector(".card:not([hidden])");
    }
    filters.querySelector("[role=status]").textContent = `${found.length} of ${cards.length} chains`;
    if (!pager) return;
    pager.hidden = pages < 2;
    pager.querySelector("span").textContent = `page ${at + 1} of ${pages}`;
    for (const turn of pager.querySelectorAll("button")) {
      turn.disabled = at + Number(turn.dataset.turn) < 0 || at + Number(turn.dataset.turn) >= pages;
    }
  };
  filters.hidden = false;
  filters.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (!button) return;
    for (const each of button.parentElement.querySelectorAll("button")) {
      each.setAttribute("aria-pressed", String(each === button));
    }
    wanted[button.parentElement.dataset.filter] = button.dataset.show;
    apply(0);
  });
  filters.querySelector("[data-search]")?.addEventListener("input", (event) => {
    words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    apply(0);
  });
  pager?.addEventListener("click", (event) => {
    const turn = event.target.closest("[data-turn]");
    if (!turn) return;
    apply(at + Number(turn.dataset.turn));
    filters.scrollIntoView();
  });
  const runs = filters.querySelector("select");
  if (runs) {
    wanted.run = runs.value;
    runs.addEventListener("change", () => {
      wanted.run = runs.value;
      apply(0);
    });
  }
  apply(0);
}

// One metric's table at a time.
for (const tabs of document.querySelectorAll(".tabs")) {
  const parts = tabs.parentElement.querySelectorAll(".tab");
  const open = (key) => {
    for (const each of tabs.children) each.setAttribute("aria-pressed", String(each.dataset.tab === key));
    for (const part of parts) part.hidden = part.dataset.tab !== key;
  };
  tabs.hidden = false;
  tabs.addEventListener("click", (event) => event.target.dataset.tab && open(event.target.dataset.tab));
  open(tabs.firstElementChild.dataset.tab);
}

// The reward's parts at the step under the pointer.
for (const plot of document.querySelectorAll("[data-stack]")) {
  const points = JSON.parse(plot.dataset.stack);
  const figure = plot.closest("figure");
  const outputs = [...figure.querySelectorAll("output")].reverse();
  const cursor = plot.querySelector(".cursor");
  const show = ([x, , values], text) => {
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    outputs.forEach((output, at) => (output.textContent = values[at]));
    figure.querySelector(".at-step").textContent = text;
  };
  const last = points[points.length - 1];
  plot.addEventListener("pointermove", (event) => {
    const svg = plot.querySelector("svg");
    const frame = svg.getBoundingClientRect();
    const at = (svg.viewBox.baseVal.width * (event.clientX - frame.left)) / frame.width;
    const near = points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
    show(near, `at step ${near[1]}`);
  });
  plot.addEventListener("pointerleave", () => show(last, "at the end"));
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
