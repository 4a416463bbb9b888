// Asks the browser for a passkey when its form is sent, and sends the answer with it. Without this script the
// form stays hidden, and the code of the app does.
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/u, "");
  const known = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

  const ask = {
    create: (options) => navigator.credentials.create({ publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    } }),
    get: (options) => navigator.credentials.get({ publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: known(options.allowCredentials),
    } }),
  };

  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"];
  const answer = ({ id, rawId, type, response }) => JSON.stringify({
    id,
    rawId: text(rawId),
    type,
    response: Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, text(response[part])])),
  });

  const use = async (form) => {
    const { passkey, options } = form.dataset;
    const failed = form.querySelector(".passkey-failed");
    failed.textContent = "";
    try {
      form.elements.passkey.value = answer(await ask[passkey](JSON.parse(options)));
      form.submit();
    } catch {
      failed.textContent = failed.dataset.sentence; // cancelled, timed out, or the passkey is another one
    }
  };

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.closest("[hidden]").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      use(form);
    });
    const isFirst = form.dataset.passkey === "get" && !document.querySelector("[autofocus]"); // else an error comes first
    if (isFirst) form.querySelector("button").focus();
  }
})();
