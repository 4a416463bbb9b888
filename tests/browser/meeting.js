// People before their browsers, through strophe.js, the XMPP library of Jitsi's web client: each is one page of
// that client with its connection, without media.  What ends is noted with its moment, in milliseconds since 1970.
"use strict";

const FOCUS = "http://jitsi.org/protocol/focus";
const MUC = "http://jabber.org/protocol/muc";
const askAgain = 50; // milliseconds; Jitsi's client takes five seconds
const reading = 300; // milliseconds between the end of the room and hanging up; Jitsi's client takes five seconds

const statusNames = Object.fromEntries(
  Object.entries(Strophe.Status).map(([name, status]) => [status, name]),
);
const people = {};

function now() {
  return performance.timeOrigin + performance.now();
}

// Resolves to a connection that is logged in, of a guest if there is no password.
function connect(url, jid, password, onEnd) {
  return new Promise((resolve, reject) => {
    const connection = new Strophe.Connection(url);
    connection.connect(jid, password, (status) => {
      if (status === Strophe.Status.CONNECTED) {
        resolve(connection);
      } else if (status === Strophe.Status.AUTHFAIL) {
        reject(new Error("AUTHFAIL"));
      } else if (status === Strophe.Status.DISCONNECTED) {
        onEnd(statusNames[status]);
      }
    });
  });
}

// Resolves to what the focus answers to a request for a conference.
function askFocus(connection, host, attributes) {
  const question = $iq({ type: "set", to: `focus.${host}` }).c("conference", { xmlns: FOCUS, ...attributes });
  return new Promise((resolve) => {
    connection.sendIQ(
      question,
      (answer) => {
        const conference = answer.getElementsByTagName("conference")[0];
        resolve({ identity: conference.getAttribute("identity"), sessionId: conference.getAttribute("session-id") });
      },
      (answer) => {
        const isInvalid = answer.getElementsByTagName("session-invalid").length > 0;
        resolve({ error: answer.getElementsByTagName("error")[0].firstChild.tagName, isInvalid });
      },
    );
  });
}

class Person {
  constructor(url, host) {
    this.url = url;
    this.host = host;
    this.machine = crypto.randomUUID();
    this.notices = [];
    this.role = null;
  }

  note(kind, text) {
    this.notices.push({ kind, text, at: now() });
  }

  async open() {
    this.connection = await connect(this.url, `guest.${this.host}`, null, (status) => this.note(status, ""));
    this.connection.addHandler((presence) => this.hear(presence), null, "presence");
  }

  async ask(room) {
    const known = this.sessionId ? { "session-id": this.sessionId } : {};
    return askFocus(this.connection, this.host, { room, "machine-uid": this.machine, ...known });
  }

  async waitForHost(room) {
    let answer = await this.ask(room);
    while (answer.error === "not-authorized") {
      await new Promise((resolve) => setTimeout(resolve, askAgain));
      answer = await this.ask(room);
    }
    return answer;
  }

  // The dialog: a second connection with the password fetches a session-id for this one.
  async logIn(username, password, room) {
    const second = await connect(this.url, `${username}@${this.host}`, password, () => {});
    const answer = await askFocus(second, this.host, { room, "machine-uid": this.machine });
    second.disconnect();
    this.sessionId = answer.sessionId;
    return this.ask(room);
  }

  join(room) {
    this.seat = `${room}/${crypto.randomUUID().slice(0, 8)}`;
    this.connection.send($pres({ to: this.seat }).c("x", { xmlns: MUC }));
  }

  hangUp() {
    this.note("hung up", "");
    this.connection.disconnect();
  }

  hear(presence) {
    if (presence.getAttribute("from") === this.seat) {
      const destroyed = presence.getElementsByTagName("destroy")[0];
      if (destroyed) {
        this.note("destroyed", destroyed.textContent);
        this.connection.send($pres({ to: this.seat, type: "unavailable" }));
        this.seat = null; // Jitsi's client has forgotten the room by now, and hears nothing more of it
        setTimeout(() => this.hangUp(), reading);
      } else if (presence.getAttribute("type") === "unavailable") {
        this.note("left", presence.textContent);
      } else {
        this.role = presence.getElementsByTagName("item")[0].getAttribute("role");
      }
    }
    return true; // hear the next one too
  }
}

// For the test: `act(name, method, …)` lets one of them do something and tells what came of it.
function enter(name, url, host) {
  people[name] = new Person(url, host);
  return people[name].open();
}

function act(name, method, ...values) {
  return people[name][method](...values);
}
