// Keeps open what the reader has opened when a journey is drawn anew. Steps are found again by what they say, because
// new ones come in between.

let open = new Set();

document.addEventListener("htmx:beforeSwap", () => {
  open = new Set([...document.querySelectorAll("#journey details[open]")].map((one) => one.textContent));
});

document.addEventListener("htmx:afterSwap", () => {
  for (const one of document.querySelectorAll("#journey details")) one.open = open.has(one.textContent);
});
