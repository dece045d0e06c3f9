// The frame without a size by which the embedding SDK sends what its host asks.
// Nothing can be asked of the start page yet: the host is told so, at once.
"use strict";
(() => {
  const { origin } = document.getElementById("control").dataset;
  addEventListener("message", (e) => {
    const asked = e.data;
    if (!origin || e.origin !== origin || !asked?.eventName || !asked.eventId || asked.eventName === "ACKNOWLEDGE") return;
    e.source.postMessage({
      eventName: asked.eventName, eventTarget: undefined, eventId: asked.eventId, timestamp: Date.now(), version: asked.version,
      message: { success: false, errorCode: "NotSupported", error: `${asked.eventName} is not supported by what is embedded.` },
    }, origin);
  });
})();
