// What pages of somebody who signed in have in common: the token of htmx's changes, times in the browser's zone, questions.

import { csrf } from "./csrf.js";

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") Object.assign(event.detail.headers, csrf());
});

// A session that ended leads a part of a page to the form for signing in: then the page goes there as a whole.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL).pathname === "/sign-in") {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

// Times are written by the same rules as on the server (api/dashboard/words.py).
const two = (figure) => String(figure).padStart(2, "0");
const sameDay = (one, other) => one.toDateString() === other.toDateString();

function timeText(at, now) {
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (sameDay(at, now)) return clock;
  const month = at.toLocaleString("en", { month: "short" });
  const year = at.getFullYear() === now.getFullYear() ? "" : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${month}${year}, ${clock}`;
}

function agoText(at, now) {
  const seconds = (now - at) / 1000;
  const length = Math.abs(seconds);
  if (length < 10) return "just now";
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([size]) => length >= size);
  const words = `${Math.floor(length / size)} ${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function showTimes(within) {
  const now = new Date();
  for (const element of within.querySelectorAll("time[data-zone][data-as=time]")) {
    element.textContent = timeText(new Date(element.dateTime), now);
  }
  for (const element of within.querySelectorAll("time[data-as=ago]")) {
    element.textContent = agoText(new Date(element.dateTime), now);
  }
}

showTimes(document);
document.addEventListener("htmx:afterSettle", (event) => showTimes(event.target));
setInterval(() => document.hidden || showTimes(document), 15000);

// A question opens over the page; without scripts its link leads to the page with the question in it.
document.addEventListener("click", (event) => {
  const asks = event.target.closest("[data-asks]");
  const closes = event.target.closest("[data-closes]");
  if (asks) {
    const question = document.getElementById(asks.dataset.asks);
    if (question && !question.open) {
      event.preventDefault();
      question.showModal();
    }
  } else if (closes?.closest("dialog:modal")) {
    event.preventDefault();
    closes.closest("dialog").close();
  }
});
