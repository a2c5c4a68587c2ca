import "@testing-library/jest-dom/vitest";
import { notifications } from "@mantine/notifications";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// A busy machine is not a failing page.
configure({ asyncUtilTimeout: 8000 });

// The test's document has neither of these, and the components ask for them.
if (!("matchMedia" in window)) {
  const matchMedia = (media: string) => ({ matches: false, media, addEventListener() {}, removeEventListener() {} });
  Object.assign(window, { matchMedia });
}
if (!("scrollIntoView" in Element.prototype)) Object.assign(Element.prototype, { scrollIntoView() {} });

afterEach(() => {
  cleanup();
  notifications.clean();
  vi.unstubAllGlobals();
  localStorage.clear();
});
