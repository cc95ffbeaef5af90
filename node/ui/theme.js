/**
 * Light, dark, or as the system says; the choice is kept in this browser.
 */

const STORAGE_KEY = "chordring-theme";
const THEMES = ["auto", "light", "dark"];

/** @param {HTMLElement} button */
export function wireTheme(button) {
  let theme = stored();
  const show = () => {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    store(theme);
    show();
  });
  show();
}

/** Storage can be forbidden; then the choice lasts as long as the page. */
function stored() {
  try {
    const theme = localStorage.getItem(STORAGE_KEY);
    return theme !== null && THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}

/** @param {string} theme */
function store(theme) {
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Not kept, which is all that is lost.
  }
}
