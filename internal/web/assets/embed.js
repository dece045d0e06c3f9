// The page in a frame of another site: tells its host how it is, in the events
// of the embedding SDK, and keeps looking whether its session goes on.
"use strict";
(() => {
  const page = document.getElementById("embed");
  if (!page) return;
  const { origin, token, me, at, where, ends, error, reason } = page.dataset;
  const asked = new URLSearchParams(location.search);

  // Only the origin that the server found to be allowed gets an event, and only
  // a host with the SDK has said which experience it waits for.
  const tell = (eventName, message, data) => {
    if (!origin || parent === window) return;
    parent.postMessage({
      eventName, message, data,
      eventTarget: { experienceType: "CONSOLE", contextId: asked.get("contextId") ?? undefined, discriminator: Number(asked.get("discriminator") ?? 0) },
      eventId: crypto.randomUUID?.() ?? String(Math.random()), timestamp: Date.now(), version: asked.get("sdkVersion") ?? undefined,
    }, origin);
  };

  if (error) {
    tell("ERROR_OCCURRED", { errorCode: error }, { reason });
    return;
  }

  // The code is used up; without it, the address can be loaded again.
  for (const name of ["code", "identityprovider", "isauthcode"]) asked.delete(name);
  history.replaceState(null, "", asked.size ? `${at}?${asked}` : at);

  let over = false, timer;
  const end = (why) => {
    if (over) return;
    over = true;
    clearInterval(timer);
    document.getElementById("here").hidden = true;
    document.getElementById("over").hidden = false;
    tell("ERROR_OCCURRED", { errorCode: "Unauthorized" }, { reason: why });
  };
  const look = async () => {
    if (over) return;
    try {
      const res = await fetch(me, { headers: { "Onsight-Embed-Session": token }, cache: "no-store" });
      if (res.status === 401) end((await res.json()).Reason);
    } catch {
      // Not reached now: what is shown stays, and the next look tells.
    }
  };
  timer = setInterval(look, 10_000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  setTimeout(look, Math.max(0, Number(ends) - Date.now()) + 500);

  tell("EXPERIENCE_INITIALIZED", {});
  tell("PAGE_NAVIGATION", { pageType: where });
})();
