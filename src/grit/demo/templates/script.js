// The demo: a picture, a question, and every model's chain as it is written.
const ask = document.querySelector(".ask");
const question = ask.elements.question;
const told = ask.querySelector("[role=status]");
const models = [...document.querySelectorAll("[data-model]")];
let picture = "";
let showing = 0; // pictures on their way: until they are there, a question would be about another
let seed = Number(ask.dataset.seed);

function tell(place, text, problem = false) {
  place.textContent = text;
  place.classList.toggle("problem", problem);
}
async function answered(request) {
  const response = await request;
  const found = await response.json().catch(() => ({}));
  if (response.ok) return found;
  const full = response.status === 503 ? "Too many are asking: try again in a while." : "";
  throw new Error(found.problem || full || `The demo refused it (${response.status}).`);
}

// The picture that is asked about.
function draw(card, html) {
  const chain = card.querySelector(".chain");
  chain.innerHTML = html;
  if (chain.dataset.held) light(chain, chain.dataset.held);
}
async function show(request, ready) {
  showing += 1;
  stop();
  try {
    const found = await answered(request);
    picture = found.picture;
    document.querySelector(".stores").innerHTML = found.store;
    if (found.question) question.value = found.question;
    for (const card of models) {
      delete card.querySelector(".chain").dataset.held;
      light(card.querySelector(".chain"), undefined);
      draw(card, found.html);
      tell(card.querySelector("[data-state]"), "");
    }
    tell(told, ready);
  } catch (error) {
    tell(told, error.message, true);
  } finally {
    showing -= 1;
    busy();
  }
}
function upload(file) {
  if (!file) return;
  if (file.size > Number(ask.dataset.maxMb) * 1e6) {
    tell(told, `It is larger than ${ask.dataset.maxMb} MB.`, true);
    return;
  }
  tell(told, "uploading …");
  show(fetch("picture", { method: "POST", body: file }), file.name);
}
const scene = () => show(fetch(`scene/${seed}`), `scene ${seed}, or drop a picture here`);

// A call waits in the model's line; `part` is told of all that comes.
function call(name, data, waiting, part) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const session = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  let events;
  // The server ends a call whose stream closes: one that is closed sooner closes once it is open.
  const drop = () => running.closed && events?.readyState === EventSource.OPEN && events.close();
  const running = { close: () => ((running.closed = true), drop()) };
  const body = JSON.stringify({ data, session_hash: session });
  const headers = { "Content-Type": "application/json" };
  const end = (problem) => {
    if (running.closed) return;
    running.close();
    part({ problem }, true);
  };
  answered(fetch(`gradio_api/call/${name}`, { method: "POST", headers, body })).then(() => {
    events = new EventSource(`gradio_api/queue/data?session_hash=${session}`);
    events.onopen = drop;
    events.onerror = () => {
      events.close(); // it would connect again
      end("The demo does not answer any more.");
    };
    events.onmessage = ({ data: text }) => {
      const { msg, rank, success, output } = JSON.parse(text);
      const last = msg === "process_completed";
      if (msg === "estimation") waiting(rank);
      else if (msg === "unexpected_error" || success === false) end("Something went wrong.");
      else if (msg === "process_generating" || last) {
        if (last) running.close();
        part(output.data?.[0] ?? {}, last);
      }
    };
  }).catch((error) => end(error.message));
  return running;
}

// Questions.
let calls = new Map();
function stop() {
  for (const [card, running] of calls) {
    running.close();
    delete card.dataset.writing;
    tell(card.querySelector("[data-state]"), "stopped");
  }
  calls = new Map();
  busy();
}
function busy() {
  const submit = ask.querySelector("[type=submit]");
  submit.hidden = calls.size > 0;
  submit.disabled = showing > 0;
  ask.querySelector("[data-stop]").hidden = calls.size === 0;
}
function put(card) {
  const state = card.querySelector("[data-state]");
  const waiting = (before) => tell(state, before ? `${before} before you` : "thinking …");
  delete card.querySelector(".chain").dataset.held;
  tell(state, "thinking …");
  card.dataset.writing = "";
  calls.set(card, call(`ask_${card.dataset.model}`, [picture, question.value], waiting, (part, last) => {
    if (part.html) {
      draw(card, part.html);
      tell(state, "writing …");
    }
    if (part.answer) card.dataset.answer = part.answer;
    if (part.problem) card.dataset.problem = part.problem;
    if (!last) return;
    delete card.dataset.writing;
    tell(state, card.dataset.problem ?? "", true);
    delete card.dataset.problem;
    calls.delete(card);
    busy();
  }));
}

// Where a model looked while it wrote a box: pressed once it is shown, once more it is gone.
function look(card, button) {
  const group = button.parentElement;
  const output = group.querySelector("output");
  const again = button.getAttribute("aria-pressed") === "true";
  for (const each of group.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button && !again));
  card.querySelector(".spot")?.remove();
  tell(output, again ? "" : "…");
  if (again) return;
  call(`look_${card.dataset.model}`, [card.dataset.answer, Number(button.dataset.look)], () => {}, (part) => {
    if (!group.isConnected || button.getAttribute("aria-pressed") !== "true") return;
    tell(output, part.note ?? part.problem ?? "", Boolean(part.problem));
    if (!part.uri) return;
    const shown = card.querySelector(".picture");
    const { width, height } = shown.viewBox.baseVal;
    const spot = document.createElementNS("http://www.w3.org/2000/svg", "image");
    const facts = { class: "spot", href: part.uri, width, height, preserveAspectRatio: "none" };
    for (const [name, value] of Object.entries(facts)) spot.setAttribute(name, value);
    shown.querySelector("use").after(spot);
  });
}

ask.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!picture || showing) return;
  stop();
  models.forEach(put);
  busy();
});
ask.querySelector("[data-stop]").addEventListener("click", stop);
ask.querySelector("[data-draw]").addEventListener("click", () => {
  seed = (seed + 1) % 1e6;
  scene();
});
ask.querySelector("[type=file]").addEventListener("change", (event) => {
  upload(event.target.files[0]);
  event.target.value = "";
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-look]");
  if (button) look(button.closest("[data-model]"), button);
});
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", over);
    if (name === "drop") upload(event.dataTransfer.files[0]);
  });
}
scene();
