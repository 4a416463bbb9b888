// Logs in through strophe.js, the XMPP library of Jitsi's web client, and tells what the page was told.
"use strict";

const statusNames = Object.fromEntries(
  Object.entries(Strophe.Status).map(([name, status]) => [status, name]),
);

// Resolves, once the connection is over, to the statuses in their order and the element that came with
// AUTHFAIL.  Each try has a connection of its own, as each in Jitsi's login dialog has; strophe itself would
// keep it open after a failure.
function logIn(url, jid, password) {
  return new Promise((resolve) => {
    const connection = new Strophe.Connection(url);
    const statuses = [];
    const conditions = {};
    let failure = null;
    connection.connect(jid, password, (status, condition, element) => {
      statuses.push(statusNames[status]);
      conditions[statusNames[status]] = condition;
      if (status === Strophe.Status.AUTHFAIL && element) {
        failure = new XMLSerializer().serializeToString(element);
      }
      if (status === Strophe.Status.CONNECTED || status === Strophe.Status.AUTHFAIL) {
        connection.disconnect();
      }
      if (status === Strophe.Status.DISCONNECTED) {
        resolve({ statuses, conditions, failure });
      }
    });
  });
}

// Returns what Jitsi's login dialog shows after that outcome, with the labels that an operator has given it: through
// the library that Jitsi translates with, and by the names that lib-jitsi-meet has for the ends of a connection.
function shown({ statuses, conditions }, labels) {
  i18next.init({ lng: "de", ns: "main", defaultNS: "main", interpolation: { escapeValue: false }, resources: {} });
  i18next.addResourceBundle("de", "main", labels, true, true);
  if (statuses.includes("AUTHFAIL")) {
    return i18next.t("dialog.incorrectPassword");
  }
  const name = statuses.includes("CONNFAIL") ? "connection.otherError" : "connection.droppedError";
  const condition = conditions.DISCONNECTED || conditions.ERROR || conditions.CONNFAIL || "connection-dropped-error";
  return i18next.t("dialog.connectErrorWithMsg", { msg: `${name} ${condition}` });
}
