// The sandbox phone: sends texts as signed webhooks through the server, and shows what the sandbox provider "sent".

import { csrf } from "./csrf.js";
import { Thread, prepareCompose, whyNot } from "./thread.js";

const phone = document.getElementById("phone");
const state = document.getElementById("state");
const notice = document.getElementById("notice");
const empty = document.getElementById("empty");
const business = document.getElementById("business");
const number = document.getElementById("number");
const thread = new Thread(document.getElementById("thread"));

let source = null;
let shown = new Map(); // By the id of the text, and by the sid of what this phone sent.

function sid() {
  return `SM${crypto.randomUUID().replaceAll("-", "")}`;
}

async function send(text, name = sid(), element = null) {
  say("");
  empty.hidden = true;
  const row = thread.show({ shown: element, text, mine: true, sending: true });
  shown.set(name, row);
  const sent = { client_id: business.value, sender: number.value, text, sid: name };
  let answer = null;
  let problem = "Not sent: no connection.";
  try {
    answer = await fetch("/sandbox/texts", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...csrf() },
      body: JSON.stringify(sent),
    });
    if (answer.status === 401) problem = "Not sent: sign in again, in another tab.";
    else if (!answer.ok) problem = `Not sent: ${await whyNot(answer)}`;
  } catch {
    answer = null;
  }
  if (answer?.ok) {
    const correlationId = (await answer.json()).correlation_id;
    if (correlationId) thread.show({ shown: row, text, mine: true, correlationId });
  } else {
    thread.show({ shown: row, text, mine: true, problem, retry: () => send(text, name, row) });
  }
}

function receive(text) {
  if (shown.has(text.id)) return;
  const row = thread.show({
    shown: text.sid ? (shown.get(text.sid) ?? null) : null,
    text: text.text,
    mine: text.direction === "sent",
    at: new Date(text.at),
    correlationId: text.correlation_id,
  });
  shown.set(text.id, row);
  empty.hidden = true;
}

// Takes up the phone of the chosen number: all its texts with the chosen business, then what comes.
function pickUp() {
  source?.close();
  thread.clear();
  shown = new Map();
  empty.hidden = true;
  say("");
  document.getElementById("phone-title").textContent = business.selectedOptions[0].textContent.split(", ")[0];
  if (!number.value.trim()) {
    state.textContent = "";
    say("Give the phone a number.");
    return;
  }
  state.textContent = "Connecting…";
  const stream = new EventSource(`/sandbox/events/${business.value}?number=${encodeURIComponent(number.value)}`);
  source = stream;
  stream.addEventListener("text", (event) => receive(JSON.parse(event.data)));
  stream.addEventListener("ready", () => {
    state.textContent = number.value;
    empty.hidden = shown.size > 0;
  });
  stream.addEventListener("error", () => {
    const refused = stream.readyState === EventSource.CLOSED;
    state.textContent = refused ? "Not connected" : "Connecting again…";
    if (refused) say("This phone can't be connected. Is the number whole (+15005550001), and are you signed in?");
  });
}

function say(words) {
  notice.textContent = words;
  notice.hidden = !words;
}

function be(owner) {
  if (!owner) {
    say("This business has no owner's number.");
    return;
  }
  number.value = owner;
  pickUp();
}

prepareCompose(document.getElementById("compose"), (text) => send(text));
if (business) {
  business.addEventListener("change", pickUp);
  number.addEventListener("change", pickUp);
  document.getElementById("as-customer").addEventListener("click", (event) => be(event.currentTarget.dataset.number));
  document.getElementById("as-owner").addEventListener("click", () => be(business.selectedOptions[0].dataset.owner));
  for (const chip of document.querySelectorAll(".chip")) {
    chip.disabled = phone.dataset.ready !== "true";
    chip.addEventListener("click", () => send(chip.textContent));
  }
  pickUp();
} else {
  state.textContent = "Off";
}
