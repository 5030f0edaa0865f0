// What a change from a script has to carry: the token of the page that it comes from.

export function csrf() {
  return { "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]')?.content ?? "" };
}
