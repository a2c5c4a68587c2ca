import {
  convertCssVariables,
  createTheme,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  mergeMantineTheme,
  type VariantColorsResolver,
} from "@mantine/core";

/** Every colour of the product by meaning: the light value, then the dark one. */
const tokens = {
  paper: ["#FBF9F5", "#171513"],
  surface: ["#FFFFFF", "#211E1B"],
  sunken: ["#F4F0E8", "#1C1917"],
  line: ["#E7E0D4", "#37322D"],
  "line-strong": ["#8F8577", "#7D7468"],
  ink: ["#1E1B18", "#EFEAE2"],
  "ink-soft": ["#5E564D", "#B5AB9E"],
  accent: ["#B5532C", "#E08A5B"],
  "accent-hover": ["#9A4422", "#EBA179"],
  "accent-ink": ["#A24620", "#E89B70"],
  "accent-wash": ["#F8EAE1", "#38261C"],
  "on-accent": ["#FFFFFF", "#1E1410"],
  good: ["#1C6656", "#7FC7B1"],
  "good-wash": ["#E4F0EB", "#1D2F2A"],
  warn: ["#7E5200", "#E3B566"],
  "warn-wash": ["#FAF0DA", "#332915"],
  bad: ["#A0222F", "#F2948D"],
  "bad-wash": ["#FAE7E6", "#3B211F"],
  live: ["#D0342C", "#FF6B5E"],
  mark: ["#F7DFA6", "#5A4518"],
  "speaker-1": ["#0B5E9E", "#7DB9EA"],
  "speaker-2": ["#A4480F", "#F0A36B"],
  "speaker-3": ["#0B6E60", "#6CC9B8"],
  "speaker-4": ["#74409B", "#C7A1E6"],
  "speaker-5": ["#7D5A00", "#DDBB55"],
  "speaker-6": ["#A33270", "#EE9AC6"],
  "speaker-7": ["#48596B", "#A9BACB"],
  "speaker-8": ["#58650F", "#B9C763"],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

export type Token = keyof typeof tokens;

/** The CSS reference of a token, for the few places where a component wants a value. */
export const token = (name: Token) => `var(--tt-${name})`;

export const SPEAKER_HUES = 8;

const terracotta: MantineColorsTuple = [
  "#FCF1EB",
  "#F8EAE1",
  "#F0CFBD",
  "#E8B193",
  "#E08A5B",
  "#C9683D",
  "#B5532C",
  "#9A4422",
  "#7D371B",
  "#5F2A15",
];

const warmGray: MantineColorsTuple = [
  "#FBF9F5",
  "#F4F0E8",
  "#E7E0D4",
  "#DAD1C3",
  "#C3B8A8",
  "#A79C8D",
  "#8F8577",
  "#5E564D",
  "#3A342E",
  "#1E1B18",
];

const warmDark: MantineColorsTuple = [
  "#EFEAE2",
  "#D2C9BD",
  "#B5AB9E",
  "#7D7468",
  "#4A433C",
  "#37322D",
  "#211E1B",
  "#171513",
  "#12100F",
  "#0C0B0A",
];

const meanings: Record<string, { ink: Token; wash: Token; fill: Token; hover: Token; on: Token }> = {
  terracotta: { ink: "accent-ink", wash: "accent-wash", fill: "accent", hover: "accent-hover", on: "on-accent" },
  good: { ink: "good", wash: "good-wash", fill: "good", hover: "good", on: "surface" },
  warn: { ink: "warn", wash: "warn-wash", fill: "warn", hover: "warn", on: "surface" },
  bad: { ink: "bad", wash: "bad-wash", fill: "bad", hover: "bad", on: "surface" },
  quiet: { ink: "ink-soft", wash: "sunken", fill: "ink-soft", hover: "ink", on: "surface" },
};

const variantColorResolver: VariantColorsResolver = (input) => {
  const meaning = meanings[input.color ?? "terracotta"];
  if (!meaning) return defaultVariantColorsResolver(input);
  const none = "1px solid transparent";
  switch (input.variant) {
    case "filled":
      return { background: token(meaning.fill), hover: token(meaning.hover), color: token(meaning.on), border: none };
    case "light":
      return { background: token(meaning.wash), hover: token(meaning.wash), color: token(meaning.ink), border: none };
    case "outline":
      return {
        background: "transparent",
        hover: token(meaning.wash),
        color: token(meaning.ink),
        border: `1px solid ${token(meaning.ink)}`,
      };
    case "subtle":
    case "transparent":
      return { background: "transparent", hover: token(meaning.wash), color: token(meaning.ink), border: none };
    default:
      return {
        background: token("surface"),
        hover: token("sunken"),
        color: token("ink"),
        border: `1px solid ${token("line")}`,
      };
  }
};

export const theme = createTheme({
  primaryColor: "terracotta",
  primaryShade: { light: 6, dark: 4 },
  colors: { terracotta, gray: warmGray, dark: warmDark },
  black: tokens.ink[0],
  variantColorResolver,
  fontFamily: '"Source Sans 3", "Source Sans", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, monospace',
  headings: { fontFamily: '"Source Serif 4", Georgia, serif', fontWeight: "600" },
  fontSizes: { xs: "0.8125rem", sm: "0.9375rem", md: "1rem", lg: "1.125rem", xl: "1.25rem" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  radius: { xs: "4px", sm: "6px", md: "10px", lg: "10px", xl: "10px" },
  defaultRadius: "md",
  shadows: {
    xs: "none",
    sm: "var(--tt-shadow)",
    md: "var(--tt-shadow)",
    lg: "var(--tt-shadow)",
    xl: "var(--tt-shadow)",
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  focusRing: "auto",
  components: {
    // Locking the scroll writes a <style> element, which the content security policy refuses; global.css does it instead.
    Modal: {
      defaultProps: { lockScroll: false, centered: true, overlayProps: { backgroundOpacity: 0.5 } },
      styles: { content: { background: token("surface") }, header: { background: token("surface") } },
    },
    Drawer: { defaultProps: { lockScroll: false } },
    // Inside its landmark, and without the empty focus holder, which a screen reader would count among the items.
    Menu: { defaultProps: { shadow: "md", withinPortal: false, withInitialFocusPlaceholder: false } },
    // Nearly every field is required here; marking them all says nothing.
    TextInput: { defaultProps: { withAsterisk: false } },
    PasswordInput: { defaultProps: { withAsterisk: false } },
    Select: { defaultProps: { allowDeselect: false, comboboxProps: { shadow: "md" } } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: false } },
    Badge: { defaultProps: { variant: "light", tt: "none", fw: 600 } },
  },
});

function pick(index: 0 | 1) {
  return Object.fromEntries(Object.entries(tokens).map(([name, pair]) => [`--tt-${name}`, pair[index]]));
}

const mantineNames = {
  "--mantine-color-body": token("paper"),
  "--mantine-color-text": token("ink"),
  "--mantine-color-dimmed": token("ink-soft"),
  "--mantine-color-bright": token("ink"),
  "--mantine-color-error": token("bad"),
  "--mantine-color-placeholder": token("ink-soft"),
  "--mantine-color-anchor": token("accent-ink"),
  "--mantine-color-default": token("surface"),
  "--mantine-color-default-hover": token("sunken"),
  "--mantine-color-default-color": token("ink"),
  "--mantine-color-default-border": token("line"),
  "--mantine-primary-color-filled": token("accent"),
  "--mantine-primary-color-contrast": token("on-accent"),
};

/** The whole theme as CSS variables, written to a file at build time so that the page needs no inline style element. */
export function themeCss(): string {
  const merged = mergeMantineTheme(DEFAULT_THEME, theme);
  const base = defaultCssVariablesResolver(merged);
  return convertCssVariables({
    variables: { ...base.variables, "--tt-measure": "70ch" },
    light: {
      ...base.light,
      ...mantineNames,
      ...pick(0),
      "--mantine-color-scheme": "light",
      "--tt-shadow": "0 1px 2px rgb(60 45 30 / 6%), 0 8px 24px rgb(60 45 30 / 8%)",
    },
    dark: {
      ...base.dark,
      ...mantineNames,
      ...pick(1),
      "--mantine-color-scheme": "dark",
      "--tt-shadow": "0 1px 2px rgb(0 0 0 / 40%), 0 8px 24px rgb(0 0 0 / 40%)",
    },
  });
}
