// Follows a journey while it is under way: reads the page again, ever more seldom, and shows what has changed.

const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 10000;
const MISSING_FOR = 15000;
const begun = Date.now();
let pause = FIRST_PAUSE;

async function look() {
  const shown = document.getElementById("journey");
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = found.getElementById("journey");
  if (!fresh || answer.redirected) return false;
  if (answer.status === 404) return Date.now() - begun < MISSING_FOR;
  if (fresh.innerHTML !== shown.innerHTML) {
    pause = FIRST_PAUSE;
    document.title = found.title;
    keepOpen(shown, fresh);
    shown.replaceWith(document.adoptNode(fresh));
  }
  return fresh.dataset.finished !== "true";
}

// What the reader has opened stays open. Steps are found again by their ids, because new ones come in between.
function keepOpen(shown, fresh) {
  const open = new Set([...shown.querySelectorAll("details[open]")].map((one) => one.textContent));
  for (const one of fresh.querySelectorAll("details")) one.open = open.has(one.textContent);
}

async function follow() {
  let more = true;
  if (!document.hidden) {
    try {
      more = await look();
    } catch {
      more = true; // No connection for a moment.
    }
  }
  if (!more) return;
  setTimeout(follow, pause);
  pause = Math.min(pause * 1.6, LONGEST_PAUSE);
}

if (document.getElementById("journey").dataset.finished !== "true") setTimeout(follow, pause);
