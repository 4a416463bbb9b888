// Says two minutes before the idle time ends that the session will end, and offers to stay; when it is over, empties
// the page, and those of other tabs. The pages work without it.
(() => {
  "use strict";
  const region = document.getElementById("session");
  const KINDS = ["text", "search", "email", "tel", "url", "number", "date"]; // never a password
  const NOTICE = 120; // seconds; the text of the warning says "less than 2 minutes"
  const tabs = new BroadcastChannel("session");
  let ends = 0;
  let shown = "";
  let before = null;

  const show = (name) => {
    if (shown === name) return;
    shown = name;
    region.replaceChildren();
    if (!name) return;
    region.append(document.getElementById(name).content.cloneNode(true));
    const button = region.querySelector("button");
    button?.addEventListener("focus", (event) => { before = event.relatedTarget; });
    button?.addEventListener("click", stay);
  };

  // What was shown goes; what was typed stays, with its label, for it stands nowhere else.
  const end = () => {
    show("session-ended");
    const main = document.getElementById("main");
    const typed = [...main.querySelectorAll("textarea, input:not([type])" + KINDS.map((kind) => `, input[type=${kind}]`).join(""))]
      .filter((field) => field.value !== field.defaultValue)
      .flatMap((field) => [...(field.labels ?? []), field]);
    main.replaceChildren(...typed);
    document.querySelectorAll("nav.areas, .top form, .self").forEach((part) => part.remove());
    document.title = "AuthBridge";
  };

  const look = () => {
    const left = (ends - Date.now()) / 1000;
    if (shown === "session-ended") return; // the page is empty, also if somebody signs in elsewhere
    if (left <= 0) end();
    else if (left <= NOTICE) show("session-warning");
    else show("");
  };

  const begin = (seconds) => {
    ends = Date.now() + seconds * 1000;
    look();
  };

  const beginInAllTabs = (seconds) => {
    begin(seconds);
    tabs.postMessage(seconds);
  };

  const stay = async () => {
    const { stay: url, token, endsIn } = region.dataset;
    const answer = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => null);
    if (!answer || answer.status >= 500) return; // no network, or an outage: the warning stays
    if (answer.status !== 204) return end();
    beginInAllTabs(Number(endsIn));
    before?.focus();
  };

  document.querySelector(".self form")?.addEventListener("submit", () => tabs.postMessage(0));
  tabs.addEventListener("message", (event) => begin(event.data));
  beginInAllTabs(Number(region.dataset.endsIn));
  setInterval(look, 5000);
})();
