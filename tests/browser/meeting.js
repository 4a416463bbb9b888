// People before their browsers, through strophe.js, the XMPP library of Jitsi's web client: each is one page of
// that client with its connection, without media.  What ends is noted with its moment, in milliseconds since 1970.
"use strict";

const FOCUS = "http://jitsi.org/protocol/focus";
const MUC = "http://jabber.org/protocol/muc";
const NICK = "http://jabber.org/protocol/nick";
const JITMEET = "http://jitsi.org/jitmeet";
const JIBRI = "http://jitsi.org/protocol/jibri";
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

// Returns what an error says, in a presence or in the answer to an IQ: its condition and its words.
function errorOf(stanza) {
  const error = stanza.getElementsByTagName("error")[0];
  const text = error.getElementsByTagName("text")[0];
  return { error: error.firstChild.tagName, text: text ? text.textContent : "" };
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
        const reservation = answer.getElementsByTagName("reservation-error")[0];
        const code = reservation ? reservation.getAttribute("error-code") : "";
        resolve({ ...errorOf(answer), code, isInvalid });
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
    this.invitations = {}; // room -> the promise of an invitation, and how to keep it
    this.waiting = {}; // lobby -> the room at whose door it is
    this.closed = () => {};
  }

  note(kind, text) {
    this.notices.push({ kind, text, at: now() });
  }

  async open() {
    this.connection = await connect(this.url, `guest.${this.host}`, null, (status) => {
      this.note(status, "");
      this.closed();
    });
    this.connection.addHandler((presence) => this.hear(presence), null, "presence");
    this.connection.addHandler((message) => this.hearMessage(message), null, "message");
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

  // Resolves once the room has decided: to nothing, or to why it refuses and where its lobby is.
  join(room, password = "") {
    const nick = crypto.randomUUID().slice(0, 8);
    this.seat = `${room}/${nick}`;
    const presence = $pres({ to: this.seat }).c("nick", { xmlns: NICK }).t(nick).up().c("x", { xmlns: MUC });
    if (password) {
      presence.c("password").t(password);
    }
    return new Promise((resolve) => {
      this.decided = resolve;
      this.connection.send(presence);
    });
  }

  // Is refused by the room, and waits in the lobby that it names; resolves to the refusal.
  async knock(room) {
    const refusal = await this.join(room);
    if (refusal?.error === "registration-required") {
      this.invitation(room);
      this.waiting[refusal.lobby] = room;
      const another = await this.join(refusal.lobby);
      if (another) {
        return another;
      }
    }
    return refusal;
  }

  invitation(room) {
    this.invitations[room] = this.invitations[room] || Promise.withResolvers();
    return this.invitations[room].promise;
  }

  // Waits until a moderator admits them, or the lobby sends them on; resolves as join does.
  async enterFromLobby(room) {
    await this.invitation(room);
    delete this.invitations[room];
    const lobbySeat = this.seat;
    const refusal = await this.join(room);
    this.connection.send($pres({ to: lobbySeat, type: "unavailable" }));
    return refusal;
  }

  // Admits those people by one message.
  admit(room, ...names) {
    const message = $msg({ to: room }).c("x", { xmlns: `${MUC}#user` });
    names.forEach((name) => message.c("invite", { to: people[name].connection.jid }).up());
    this.connection.send(message);
  }

  // Resolves to why the settings of the room stay as they are, or to nothing; the fields have their full names.
  submitForm(room, fields) {
    const form = $iq({ type: "set", to: room }).c("query", { xmlns: `${MUC}#owner` });
    form.c("x", { xmlns: "jabber:x:data", type: "submit" });
    Object.entries({ FORM_TYPE: `${MUC}#roomconfig`, ...fields }).forEach(([name, value]) => {
      form.c("field", { var: name }).c("value").t(value).up().up();
    });
    return this.wish(form);
  }

  // Resolves to why somebody else in the room does not become a moderator too, or to nothing.
  promote(room, name) {
    const jid = Strophe.getBareJidFromJid(people[name].connection.jid);
    return this.administer(room, { affiliation: "owner", jid });
  }

  // Resolves to why somebody else stays in the room, or to nothing.
  kick(room, name) {
    return this.administer(room, { role: "none", nick: Strophe.getResourceFromJid(people[name].seat) });
  }

  administer(room, change) {
    return this.wish($iq({ type: "set", to: room }).c("query", { xmlns: `${MUC}#admin` }).c("item", change));
  }

  // Resolves to why there is no recording, or to nothing.
  record(room) {
    const start = { xmlns: JIBRI, action: "start", recording_mode: "file" };
    return this.wish($iq({ type: "set", to: `${room}/focus` }).c("jibri", start));
  }

  wish(iq) {
    return new Promise((resolve) => {
      this.connection.sendIQ(iq, () => resolve(null), (answer) => resolve(errorOf(answer)));
    });
  }

  // Resolves once the page is closed.
  close() {
    return new Promise((resolve) => {
      this.closed = resolve;
      this.connection.disconnect();
    });
  }

  hangUp() {
    this.note("hung up", "");
    this.connection.disconnect();
  }

  hear(presence) {
    if (presence.getAttribute("from") === this.seat) {
      const destroyed = presence.getElementsByTagName("destroy")[0];
      if (presence.getAttribute("type") === "error") {
        const lobby = presence.getElementsByTagNameNS(JITMEET, "lobbyroom")[0];
        this.decided({ ...errorOf(presence), lobby: lobby ? lobby.textContent : "" });
      } else if (destroyed && this.isSentOn(destroyed)) {
        this.invitations[destroyed.getAttribute("jid")].resolve();
      } else if (destroyed) {
        this.note("destroyed", destroyed.textContent);
        this.connection.send($pres({ to: this.seat, type: "unavailable" }));
        this.seat = null; // Jitsi's client has forgotten the room by now, and hears nothing more of it
        setTimeout(() => this.hangUp(), reading);
      } else if (presence.getAttribute("type") === "unavailable") {
        this.note("left", presence.textContent);
      } else {
        this.role = presence.getElementsByTagName("item")[0].getAttribute("role");
        this.decided(null);
      }
    }
    return true; // hear the next one too
  }

  // From the lobby into the room, because everybody may enter it now.
  isSentOn(destroyed) {
    const room = this.waiting[Strophe.getBareJidFromJid(this.seat)];
    return room !== undefined && destroyed.getAttribute("jid") === room;
  }

  hearMessage(message) {
    const room = message.getAttribute("from");
    if (message.getElementsByTagName("invite")[0] && this.invitations[room]) {
      this.invitations[room].resolve();
    }
    return true; // hear the next one too
  }
}

// For the test: `act(name, method, …)` lets one of them do something and tells what came of it.
function enter(name, url, host) {
  people[name] = new Person(url, host);
  return people[name].open();
}

// The same browser opens the page anew.
async function reload(name) {
  const before = people[name];
  await before.close();
  people[name] = new Person(before.url, before.host);
  people[name].machine = before.machine;
  people[name].sessionId = before.sessionId;
  return people[name].open();
}

function act(name, method, ...values) {
  return people[name][method](...values);
}
