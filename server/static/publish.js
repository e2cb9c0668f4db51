// What a person fills in goes to the server; what the server says of a field is shown at that field.

import { sentence } from "./stream.js";

export function publishing(form, { authorization }) {
  const answer = form.querySelector("[role=status]");
  const fields = [...form.elements].filter((each) => each.name);
  let sending = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    for (const field of fields) complain(field, "");
    say("Sending …");
    try {
      const given = fields.filter((field) => field.value).map((field) => [field.name, field.value]);
      const response = await fetch("/events", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...authorization() },
        credentials: "omit",
        body: JSON.stringify(Object.fromEntries(given)),
      });
      if (response.ok) {
        say("Published.");
        for (const field of fields) if (field.name !== "topic") field.value = "";
        fields[0].focus();
      } else {
        await refused(response);
      }
    } catch {
      say("The server cannot be reached.", true);
    } finally {
      sending = false;
    }
  });

  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  async function refused(response) {
    const copy = response.clone();
    const reason = await sentence(response);
    const name = await copy.json().then((value) => value.field, () => null);
    const field = fields.find((each) => each.name === name);
    if (!field) return say(reason, true);
    say("");
    complain(field, reason.replace(`${name}: `, ""));
    field.focus();
  }

  function complain(field, reason) {
    document.getElementById(`${field.name}-error`).textContent = reason;
    if (reason) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  function say(text, isBad = false) {
    answer.textContent = text;
    answer.className = isBad ? "error" : "";
  }
}
