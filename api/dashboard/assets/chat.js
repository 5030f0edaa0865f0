// The chat page: sends what is typed, follows the conversation by events, and asks instead where events do not come.

import { Thread, prepareCompose, whyNot } from "./thread.js";

const STREAM_WITHIN = 5000;
const ANSWER_WITHIN = 20000;
const page = document.getElementById("chat");
const state = document.getElementById("state");
const typing = document.getElementById("typing");
const notice = document.getElementById("notice");
const thread = new Thread(document.getElementById("thread"));
const api = "/api/widget";
const bot = `${page.dataset.client}/${page.dataset.bot}`;
const memory = `gatehouse-chat:${bot}`;

let conversation = recall();
let business = "";
let lastEventId = "";
let source = null;
let generation = 0; // Whatever an older conversation still has under way is dropped.
let waiting = null;
let queue = Promise.resolve();
const shown = new Map();
const unsent = new Map();

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(memory));
  } catch {
    return null;
  }
}

function remember(taken) {
  conversation = { id: taken.conversation_id, token: taken.conversation_token };
  sessionStorage.setItem(memory, JSON.stringify(conversation));
}

async function begin() {
  let answer;
  try {
    answer = await fetch(`${api}/config/${bot}`);
  } catch {
    answer = null;
  }
  if (!answer?.ok) {
    say("The chat can't be reached. Reload the page in a moment.", answer && (await whyNot(answer)));
    return;
  }
  const config = await answer.json();
  business = config.name;
  dress(config.accent_color);
  greet(config.greeting);
  state.textContent = "Ready";
  if (conversation) follow();
}

function greet(greeting) {
  if (greeting) thread.show({ text: greeting, mine: false });
}

// Colours the visitor's messages as the bot wants it, with whichever of black and white can be read on that.
function dress(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  page.style.setProperty("--bot-accent", color);
  page.style.setProperty("--on-bot-accent", light > 0.179 ? "#000000" : "#ffffff");
}

// Messages go one after the other, so that they arrive in the order in which they were typed.
function send(text, key = crypto.randomUUID(), element = null) {
  const row = thread.show({ shown: element, text, mine: true, sending: true });
  unsent.set(key, { text, row });
  queue = queue.then(() => post(text, key, row, generation));
}

async function post(text, key, row, own) {
  if (own !== generation) return;
  const body = { text, idempotency_key: key };
  if (conversation) body.conversation_token = conversation.token;
  let answer = null;
  let problem = "Not sent: no connection.";
  try {
    answer = await fetch(`${api}/chat/${bot}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) problem = `Not sent: ${await whyNot(answer)}`;
  } catch {
    answer = null;
  }
  if (own !== generation) return;
  if (answer?.status === 403 && conversation) {
    anew("The conversation had ended, so a new one begins here.");
    send(text, key, row);
    return;
  }
  if (!answer?.ok) {
    thread.show({ shown: row, text, mine: true, problem, retry: () => send(text, key, row) });
    return;
  }
  const taken = await answer.json();
  unsent.delete(key);
  say("");
  shown.set(taken.message_id, row);
  thread.show({ shown: row, text, mine: true, correlationId: taken.correlation_id });
  const first = !conversation;
  remember(taken);
  expectAnswer();
  if (first || !source) follow();
}

function expectAnswer() {
  clearTimeout(waiting);
  typing.hidden = false;
  typing.classList.add("busy");
  typing.textContent = `${business} is writing`;
  waiting = setTimeout(() => {
    typing.classList.remove("busy");
    typing.textContent = "Your message has arrived. The answer appears here; it may take a while.";
  }, ANSWER_WITHIN);
}

function receive(message) {
  lastEventId = message.id;
  if (shown.has(message.id)) return;
  const mine = message.from === "visitor";
  const sending = mine && [...unsent].find(([, one]) => one.text === message.text);
  const row = thread.show({
    shown: sending ? sending[1].row : null,
    text: message.text,
    mine,
    at: new Date(message.at),
    correlationId: mine ? message.correlation_id : null,
  });
  shown.set(message.id, row);
  if (!mine) {
    clearTimeout(waiting);
    typing.hidden = true;
  }
}

function follow() {
  source?.close();
  const own = generation;
  const stream = new EventSource(`${address()}&after=${encodeURIComponent(lastEventId)}`);
  source = stream;
  let late = setTimeout(() => instead(), STREAM_WITHIN);
  function instead() {
    stream.close();
    if (own === generation && source === stream) ask(own);
  }
  stream.addEventListener("open", () => {
    clearTimeout(late);
    state.textContent = "Connected";
  });
  stream.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    clearTimeout(late);
    if (own !== generation) return;
    state.textContent = "Connecting again…";
    // The browser tries again by itself, unless it was refused.
    if (stream.readyState === EventSource.CLOSED) instead();
    else late = setTimeout(instead, STREAM_WITHIN);
  });
}

function address() {
  return `${api}/events/${conversation.id}?token=${encodeURIComponent(conversation.token)}`;
}

// Asks again and again, each time waiting for something new.
async function ask(own) {
  while (own === generation) {
    let pause = 0;
    try {
      const answer = await fetch(`${address()}&wait=15&after=${encodeURIComponent(lastEventId)}`);
      if (own !== generation) return;
      if (answer.status === 403) {
        anew("The conversation has ended. What you write begins a new one.");
        return;
      }
      if (answer.ok) {
        (await answer.json()).messages.forEach(receive);
        state.textContent = "Connected";
      } else {
        pause = 1000 * Number(answer.headers.get("Retry-After") ?? 3);
      }
    } catch {
      state.textContent = "No connection. Trying again…";
      pause = 3000;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function anew(words = "") {
  generation += 1;
  source?.close();
  source = null;
  conversation = null;
  lastEventId = "";
  sessionStorage.removeItem(memory);
  shown.clear();
  unsent.clear();
  clearTimeout(waiting);
  typing.hidden = true;
  state.textContent = "Ready";
  say(words);
}

function say(words, detail = "") {
  notice.textContent = [words, detail].filter(Boolean).join(" ");
  notice.hidden = !words;
}

prepareCompose(document.getElementById("compose"), (text) => send(text));
document.getElementById("anew").addEventListener("click", () => {
  anew();
  thread.clear();
  begin();
});
begin();
