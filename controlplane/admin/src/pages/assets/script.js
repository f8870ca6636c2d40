"use strict";

// Everything works without this: it asks before phones are reset, reads files into text fields,
// shows how far an operation is, and follows what changes by itself.

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}

for (const chooser of document.querySelectorAll("input[type=file][data-into]")) {
  chooser.addEventListener("change", async () => {
    const [file] = chooser.files;
    if (!file) return;
    const into = document.getElementById(chooser.dataset.into);
    into.value = chooser.dataset.as === "base64"
      ? btoa(String.fromCharCode(...new Uint8Array(await file.arrayBuffer())))
      : await file.text();
  });
}

for (const all of document.querySelectorAll("input[data-all]")) {
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll(`input[name^="${all.dataset.all}"]`)) {
      box.checked = all.checked;
    }
  });
}

const operation = document.querySelector("[data-operation]");
if (operation) {
  const events = new EventSource(operation.dataset.operation);
  const bar = operation.querySelector("progress");
  const count = operation.querySelector("output");
  events.addEventListener("progress", (event) => {
    const now = JSON.parse(event.data);
    bar.max = Math.max(now.total, 1);
    bar.value = now.done;
    count.value = `${now.done} / ${now.total}`;
    if (now.state !== "running") {
      events.close();
      window.location.reload();
    }
  });
}

const refreshing = document.querySelector("[data-refresh]");
if (refreshing) {
  setInterval(() => {
    const typing = document.activeElement && document.activeElement.closest("form");
    if (!typing && document.visibilityState === "visible") window.location.reload();
  }, Number(refreshing.dataset.refresh) * 1000);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing) {
    const find = document.querySelector("input[type=search]");
    if (find) {
      event.preventDefault();
      find.focus();
    }
  }
});
