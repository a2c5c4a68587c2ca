import "./theme/layers.css";
import "@mantine/core/styles.layer.css";
import "@mantine/notifications/styles.layer.css";
import "virtual:theme.css";
import "./theme/fonts.css";
import "./theme/global.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { makeQueryClient } from "./api/queryClient";
import { meQuery } from "./api/session";
import { startWords } from "./i18n";
import { makeRouter } from "./router";

const queryClient = makeQueryClient(() => {
  queryClient.setQueryData(meQuery.queryKey, null);
  void router.invalidate();
});
const router = makeRouter(queryClient);
const root = document.getElementById("root");

if (root) {
  // who one is takes as long to hear as the words take to come
  void queryClient.prefetchQuery(meQuery);
  await startWords();
  createRoot(root).render(
    <StrictMode>
      <App queryClient={queryClient} router={router} />
    </StrictMode>,
  );
}
