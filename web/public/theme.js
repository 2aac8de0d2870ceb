// Runs before the first paint, so that a remembered theme never flashes. A file
// of its own because the content security policy allows no inline script.
(() => {
  let theme = "system";
  try {
    theme = localStorage.getItem("farhand.theme") ?? "system";
  } catch {
    // Storage may be forbidden; the system's theme it is.
  }
  const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
