// A part of a page that is drawn anew by itself takes nothing away from somebody who is at it: it waits while they are in
// one of its links or fields, while a question is open, while text in it is marked, and while it was told to pause.

const paused = new Set();
const missed = new Set();

function busy(part) {
  if (paused.has(part.id) || document.querySelector("dialog[open]")) return true;
  if (part !== document.activeElement && part.contains(document.activeElement)) return true;
  const marked = document.getSelection();
  return marked && !marked.isCollapsed && part.contains(marked.anchorNode);
}

const byItself = (event) => (event.detail.requestConfig?.triggeringEvent?.type ?? "").startsWith("sse:");

function draw(part) {
  missed.delete(part.id);
  window.htmx.ajax("GET", part.getAttribute("hx-get"), { target: part, select: `#${part.id}`, swap: "outerHTML" });
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!byItself(event) || !busy(event.target)) return;
  event.preventDefault();
  missed.add(event.target.id);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!byItself(event) || !busy(event.detail.target)) return;
  event.detail.shouldSwap = false;
  missed.add(event.detail.target.id);
});
// Something may have happened between the page and its stream, of which nobody tells any more.
document.addEventListener("htmx:sseOpen", (event) => {
  for (const part of event.target.querySelectorAll("[id][hx-get]")) missed.add(part.id);
});
// What was left as it is for somebody's sake is drawn once nobody is at it any more.
setInterval(() => {
  for (const id of missed) {
    const part = document.getElementById(id);
    if (part && !busy(part)) draw(part);
  }
}, 1_000);

for (const button of document.querySelectorAll("[data-pauses]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const pauses = !paused.has(button.dataset.pauses);
    paused[pauses ? "add" : "delete"](button.dataset.pauses);
    button.setAttribute("aria-pressed", String(pauses));
    button.textContent = pauses ? "Go on" : "Pause";
    const part = document.getElementById(button.dataset.pauses);
    if (!pauses && part) draw(part);
  });
}

// What is new is said in one sentence, not often, to who can't see the list.
const SAY_EVERY = 10_000;
const rows = (part) => new Set([...part.querySelectorAll("tbody tr")].map((row) => row.textContent));
const known = new Map();
const said = new Map();
for (const place of document.querySelectorAll("[data-says]")) {
  const part = document.getElementById(place.dataset.says);
  if (part) known.set(part.id, rows(part));
}
document.addEventListener("htmx:afterSettle", (event) => {
  const part = document.getElementById(event.target.id);
  const place = part && document.querySelector(`[data-says="${part.id}"]`);
  if (!place || Date.now() - (said.get(part.id) ?? 0) < SAY_EVERY) return;
  const now = rows(part);
  const fresh = [...now].filter((row) => !known.get(part.id)?.has(row)).length;
  known.set(part.id, now);
  if (fresh) {
    said.set(part.id, Date.now());
    place.textContent = fresh === 1 ? "One new run." : `${fresh} new runs.`;
  }
});
