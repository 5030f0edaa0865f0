// The form by which a visitor leaves a number: sent once however often it is repeated, and never closed over an error.

import { whyNot } from "./thread.js";

const page = document.getElementById("chat");
const dialog = document.getElementById("leave");
const form = document.getElementById("lead");
const problem = document.getElementById("lead-problem");
const left = document.getElementById("left");
const send = form.querySelector("button[type=submit]");
const bot = `${page.dataset.client}/${page.dataset.bot}`;
let key = crypto.randomUUID();

// The conversation that is open in this window, if one is: the owner then finds what was said.
function token() {
  try {
    return JSON.parse(sessionStorage.getItem(`gatehouse-chat:${bot}`))?.token ?? null;
  } catch {
    return null;
  }
}

function say(words) {
  problem.textContent = words;
  problem.hidden = !words;
  problem.scrollIntoView({ block: "nearest" });
}

function post(body) {
  return fetch(`/api/widget/leads/${bot}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function leave() {
  const lead = { ...Object.fromEntries(new FormData(form)), idempotency_key: key };
  const conversation = token();
  if (!conversation) return post(lead);
  const answer = await post({ ...lead, conversation_token: conversation });
  // A conversation that has ended is no reason to lose the number.
  return answer.status === 403 ? post(lead) : answer;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say("");
  send.disabled = true;
  try {
    const answer = await leave();
    if (!answer.ok) {
      say(await whyNot(answer));
      form.elements[/an e-mail address\.$/.test(problem.textContent) ? "email" : "phone"].focus();
      return;
    }
    dialog.close();
    form.reset();
    key = crypto.randomUUID();
    left.textContent = "Thank you. Your number was taken down, and somebody will get back to you.";
    left.hidden = false;
  } catch {
    say("Not sent: no connection. Please try again.");
  } finally {
    send.disabled = false;
  }
});

// What is changed is another request; the same words sent again are the same one.
form.addEventListener("input", () => {
  key = crypto.randomUUID();
});
document.getElementById("ask-back").addEventListener("click", () => {
  say("");
  left.hidden = true;
  dialog.showModal();
});
document.getElementById("lead-close").addEventListener("click", () => dialog.close());
