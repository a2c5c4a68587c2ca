// Runs before the first paint, so that a dark page never flashes white.
(() => {
  let scheme = "auto";
  let language = "";
  try {
    scheme = localStorage.getItem("tertulia.theme") || "auto";
    language = localStorage.getItem("tertulia.language") || "";
  } catch {
    // Storage may be closed to the page; the system's choice is good then.
  }
  const dark = scheme === "dark" || (scheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
  if (language) document.documentElement.lang = language;
})();
