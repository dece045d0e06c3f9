// Passkeys: the only thing on these pages that a browser does by script alone.
// Forms with data-passkey have the options of the browser's call; the answer
// goes out with the form like everything else.
"use strict";

(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => buffer ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") : undefined;
  const listed = (all) => (all ?? []).map((c) => ({ ...c, id: bytes(c.id) }));

  if (!window.PublicKeyCredential) return; // the page says so

  let waiting; // the offer in the list of the field, while nobody asks for more
  const ask = async (form, conditional) => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    if (form.dataset.passkey === "create") {
      options.user.id = bytes(options.user.id);
      options.excludeCredentials = listed(options.excludeCredentials);
      return navigator.credentials.create({ publicKey: options });
    }
    options.allowCredentials = listed(options.allowCredentials);
    waiting?.abort();
    waiting = new AbortController();
    return navigator.credentials.get({ publicKey: options, signal: waiting.signal, ...(conditional && { mediation: "conditional" }) });
  };

  const send = (form, made) => {
    const r = made.response;
    form.elements.credential.value = JSON.stringify({
      id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
      authenticatorAttachment: made.authenticatorAttachment ?? undefined,
      response: {
        clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), authenticatorData: text(r.authenticatorData),
        signature: text(r.signature), userHandle: text(r.userHandle), transports: r.getTransports?.(),
      },
    });
    form.submit();
  };

  for (const hint of document.querySelectorAll("[data-unable]")) hint.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[data-problem]");
    form.closest("[hidden]")?.removeAttribute("hidden");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.textContent = "";
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        send(form, await ask(form, false));
      } catch (error) {
        button.disabled = false;
        said.textContent = error.name === "InvalidStateError" ? said.dataset.there : said.dataset.problem;
      }
    });
    if (form.dataset.passkey === "get" && document.querySelector("input[autocomplete~=webauthn]")) {
      PublicKeyCredential.isConditionalMediationAvailable?.().then(async (can) => {
        if (can) send(form, await ask(form, true));
      }).catch(() => {}); // another way was taken, or none
    }
  }
})();
