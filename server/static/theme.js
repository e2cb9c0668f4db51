// Light or dark before the first paint, so that nothing flashes: the choice of last time, else the system's.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
} catch {
  document.documentElement.dataset.theme = "system"; // storage is forbidden here
}
