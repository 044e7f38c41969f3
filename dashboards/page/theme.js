// Light or dark: the system's, until the switch says otherwise; kept in this browser.
const kept = localStorage.getItem("textpulse-theme");
if (kept) document.documentElement.dataset.theme = kept;
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-theme-switch]")) return;
  const now = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  localStorage.setItem("textpulse-theme", document.documentElement.dataset.theme);
});
