// Takes the tick for "none" away while a day is typed beside it. The forms work without it.
(() => {
  "use strict";
  document.addEventListener("input", ({ target }) => {
    const box = target.closest(".day-or-none")?.querySelector("input[type=checkbox]");
    if (box && target !== box && target.value.trim()) box.checked = false;
  });
})();
