// A thread of messages on a page: the chat and the sandbox phone draw theirs with this.

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class Thread {
  constructor(element) {
    this.element = element;
  }

  // Adds a message, or changes the one that is `shown` already. Returns its element.
  show({ shown, text, mine, at, correlationId, sending = false, problem = "", retry = null }) {
    const near = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < 80;
    const message = shown ?? document.createElement("div");
    message.className = `message${mine ? " mine" : ""}${sending ? " sending" : ""}`;
    const who = make("span", "hidden", mine ? "You: " : "Answer: ");
    const bubble = make("p", "bubble");
    bubble.append(who, text);
    const about = make("p", "about");
    if (problem) {
      about.append(make("span", "problem", problem));
    } else {
      about.append(sending ? "Sending…" : time.format(at ?? new Date()));
    }
    if (retry) {
      const button = make("button", "plain", "Try again");
      button.type = "button";
      button.addEventListener("click", retry, { once: true });
      about.append(button);
    }
    if (correlationId) {
      const link = make("a", "", "Steps on record");
      link.href = `/dashboard/journeys/${encodeURIComponent(correlationId)}`;
      about.append(link);
    }
    message.replaceChildren(bubble, about);
    if (!shown) this.element.append(message);
    if (mine || near) this.element.scrollTop = this.element.scrollHeight;
    return message;
  }

  clear() {
    for (const message of this.element.querySelectorAll(".message")) message.remove();
  }
}

function make(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// Makes Enter send, Shift+Enter a new line, and the field as high as its text.
export function prepareCompose(form, send) {
  const field = form.elements.text;
  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  };
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    fit();
    send(text);
    field.focus();
  });
}

// Returns what a failed answer says, in words for a person.
export async function whyNot(answer) {
  try {
    return (await answer.json()).detail ?? `Error ${answer.status}`;
  } catch {
    return `Error ${answer.status}`;
  }
}
