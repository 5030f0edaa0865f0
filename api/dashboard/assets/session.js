// On every page of somebody who signed in: nothing of it is shown again after they left, and a view that ends is left.

// A browser may keep a page as it was, to show it when its reader goes back. By then they may have signed out.
addEventListener("pagehide", () => {
  document.documentElement.hidden = true;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
  else document.documentElement.hidden = false;
});

const until = document.getElementById("view-until");
if (until) {
  const ends = new Date(until.dateTime).getTime();
  const show = () => {
    const minutes = Math.ceil((ends - Date.now()) / 60000);
    if (minutes <= 0) {
      location.reload();
      return;
    }
    until.textContent = `${new Date(ends).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}, in ${minutes} min`;
    setTimeout(show, Math.min(ends - Date.now() + 500, 15000));
  };
  show();
}
