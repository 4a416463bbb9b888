// Keeps the place on the page when a button came back to it: the notice floats there until the focus leaves it.
// In a search that has the focus the text is marked, so that typing replaces it. The pages work without it.
(() => {
  "use strict";
  const KEY = "place";
  const main = document.getElementById("main");
  const flashes = main.querySelector(".flashes");
  // The room that notices take above the rest of the page.
  const room = flashes ? flashes.offsetHeight + parseFloat(getComputedStyle(main).rowGap) : 0;

  document.addEventListener("submit", ({ target }) => {
    const back = target.elements.namedItem("back");
    if (back) sessionStorage.setItem(KEY, JSON.stringify({ path: back.value, below: scrollY - room }));
  });

  const search = main.querySelector("input[type=search][autofocus]");
  search?.addEventListener("focus", () => search.select(), { once: true });
  if (search && search === document.activeElement) search.select();

  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  const { path, below } = JSON.parse(kept ?? "{}");
  if (!flashes || path !== location.pathname + location.search || below <= 0) return;
  flashes.classList.add("floating");
  scrollTo({ top: below + room, behavior: "instant" });
  flashes.addEventListener("focusout", ({ relatedTarget }) => {
    if (!flashes.contains(relatedTarget)) flashes.classList.remove("floating");
  });
})();
