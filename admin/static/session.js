// Says two minutes before the idle time ends that the session will end, and offers to stay. The pages work without it.
(() => {
  "use strict";
  const region = document.getElementById("session");
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

  const look = () => {
    const left = (ends - Date.now()) / 1000;
    if (left <= 0) show("session-ended");
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
    if (!answer) return; // no network: the warning stays
    if (answer.status !== 204) return show("session-ended");
    beginInAllTabs(Number(endsIn));
    before?.focus();
  };

  tabs.addEventListener("message", (event) => begin(event.data));
  beginInAllTabs(Number(region.dataset.endsIn));
  setInterval(look, 5000);
})();
