// Keeps the live parts of a page up to date, until one says that the next page is there. The pages work without it.
(() => {
  "use strict";
  const SOON = 1000; // milliseconds
  const LATER = 5000;
  const PATIENCE = 5000;

  const pass = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

  const beSeen = () => new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
  });

  // Replaces only the children whose text has changed: a screen reader reads out what is replaced.
  const renew = (part, fresh) => {
    const present = [...part.children];
    if (!present.length || present.length !== fresh.children.length) part.replaceChildren(...fresh.childNodes);
    else [...fresh.children].forEach((child, index) => {
      if (present[index].textContent !== child.textContent) present[index].replaceWith(child);
    });
  };

  // Never replaces anything while the part has the focus: a button would vanish.
  const show = (part, text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
    if (part.contains(document.activeElement)) return;
    if (part.textContent !== fresh.textContent) renew(part, fresh);
    part.dataset.live = fresh.dataset.live ?? "";
    if ("next" in fresh.dataset) location.reload();
  };

  const follow = async (part) => {
    for (let pause = SOON; part.dataset.live; pause = Math.min(1.3 * pause, LATER)) {
      await pass(pause);
      while (document.hidden) {
        await beSeen();
        pause = SOON;
      }
      const asked = { redirect: "manual", signal: AbortSignal.timeout(PATIENCE) };
      const answer = await fetch(part.dataset.live, asked).catch(() => null);
      if (answer?.ok) show(part, await answer.text());
      else if (answer && answer.status < 500) return; // signed out, or it is gone
    }
  };

  for (const part of document.querySelectorAll("[data-live]")) follow(part);
})();
