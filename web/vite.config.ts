import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vitest/config";
import { fakeApi } from "./fake/plugin.ts";
import { themeCss } from "./src/theme/theme.ts";

/** Serves the theme's variables as a real style sheet: `import "virtual:theme.css"`. */
function themeSheet(): Plugin {
  const id = "\0virtual:theme.css";
  return {
    name: "theme-sheet",
    resolveId: (source) => (source === "virtual:theme.css" ? id : undefined),
    load: (source) => (source === id ? themeCss() : undefined),
  };
}

export default defineConfig({
  plugins: [react(), themeSheet(), ...(process.env.FAKE_API ? [fakeApi()] : [])],
  build: {
    outDir: "../src/tertulia/server/page",
    emptyOutDir: true,
    target: "es2022",
    // A data: address would need its own permission in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What most rooms use comes in one piece: seventy small ones each cost a request.
            {
              name: "ground",
              test: /node_modules[\\/](react|react-dom|scheduler|i18next|react-i18next|openapi-fetch)[\\/]/,
            },
            { name: "shared", minShareCount: 4 },
          ],
        },
      },
    },
  },
  server: {
    proxy: process.env.FAKE_API
      ? {}
      : { "/api": { target: process.env.TERTULIA_URL ?? "http://127.0.0.1:8765", changeOrigin: true } },
  },
  test: {
    environment: "happy-dom",
    setupFiles: ["./tests/setup.ts"],
    include: ["tests/**/*.test.{ts,tsx}"],
    css: false,
    testTimeout: 30_000,
  },
});
