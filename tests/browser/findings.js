// What keeps somebody from using this page: controls without a name, missing landmarks, weak contrast, a page that is
// wider than its window, text that only a mouse can reach.
(() => {
  const found = [];
  const visible = (element) => element.checkVisibility({ visibilityProperty: true });
  const shown = (element) => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`;

  if (!document.documentElement.lang) found.push("The page has no language.");
  if (!document.title) found.push("The page has no title.");
  for (const [selector, least, most] of [["h1", 1, 1], ["main", 1, 1], [".skip", 1, 1]]) {
    const count = document.querySelectorAll(selector).length;
    if (count < least || count > most) found.push(`There are ${count} of ${selector}.`);
  }
  let level = 1;
  for (const heading of [...document.querySelectorAll("h1, h2, h3, h4")].filter(visible)) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) found.push(`A level is left out before ${shown(heading)}.`);
    level = own;
  }
  if (document.documentElement.scrollWidth > window.innerWidth) {
    found.push(`The page is ${document.documentElement.scrollWidth} wide in a window of ${window.innerWidth}.`);
  }

  const named = (control) =>
    control.getAttribute("aria-label") ||
    (control.getAttribute("aria-labelledby") && document.getElementById(control.getAttribute("aria-labelledby"))) ||
    [...(control.labels ?? [])].some((label) => label.textContent.trim()) ||
    (["A", "BUTTON", "SUMMARY"].includes(control.tagName) && control.textContent.trim());
  for (const control of document.querySelectorAll("a, button, summary, input:not([type=hidden]), select, textarea, [role=log]")) {
    if (visible(control) && !named(control)) found.push(`No name: ${control.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(`Two with the id ${id}.`);
  for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const wanted = element.getAttribute("aria-labelledby") ?? element.getAttribute("aria-describedby");
    if (!document.getElementById(wanted)) found.push(`Nothing has the id ${wanted}.`);
  }
  for (const thread of document.querySelectorAll("[role=log]")) {
    if (thread.scrollHeight > thread.clientHeight && thread.tabIndex < 0) found.push("A thread can't be scrolled by keyboard.");
  }

  // https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parts = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
  const luminance = (color) => {
    const [red, green, blue] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    if (!element) return parts("Canvas").slice(0, 3);
    const own = parts(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(element) || element.closest(":disabled, option, noscript")) continue;
    const below = ground(element);
    const [one, other] = [luminance(over(parts(getComputedStyle(element).color), below)), luminance(below)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) found.push(`Contrast ${ratio.toFixed(2)}: ${shown(element)}`);
  }
  return found;
})();
