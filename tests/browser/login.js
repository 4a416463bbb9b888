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
    let failure = null;
    connection.connect(jid, password, (status, _condition, element) => {
      statuses.push(statusNames[status]);
      if (status === Strophe.Status.AUTHFAIL && element) {
        failure = new XMLSerializer().serializeToString(element);
      }
      if (status === Strophe.Status.CONNECTED || status === Strophe.Status.AUTHFAIL) {
        connection.disconnect();
      }
      if (status === Strophe.Status.DISCONNECTED) {
        resolve({ statuses, failure });
      }
    });
  });
}
