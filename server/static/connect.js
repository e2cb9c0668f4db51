// How to connect: the lines to copy, with this server's address in them, and never with a token.

export function connecting() {
  for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;
  for (const snippet of document.querySelectorAll(".snippet")) {
    const button = snippet.querySelector("button");
    const title = snippet.querySelector("h3");
    button.setAttribute("aria-describedby", title.id);
    button.addEventListener("click", () => copy(snippet.querySelector("pre"), button, title.textContent));
  }
}

async function copy(place, button, title) {
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(place.innerText.trim());
    button.textContent = "Copied";
    said.textContent = `Copied: ${title}`;
  } catch {
    // Pages that came over plain http from another machine have no clipboard.
    getSelection().selectAllChildren(place);
    button.textContent = "Press Ctrl+C";
    said.textContent = "The text is selected; copy it with the keyboard.";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}
