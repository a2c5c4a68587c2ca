import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import type { makeRouter } from "./router";
import { colorScheme } from "./theme/colorScheme";
import { theme } from "./theme/theme";

interface AppProps {
  queryClient: QueryClient;
  router: ReturnType<typeof makeRouter>;
}

export function App({ queryClient, router }: AppProps) {
  return (
    <MantineProvider
      env={import.meta.env.MODE === "test" ? "test" : "default"}
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorScheme}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <Notifications position="bottom-center" limit={3} autoClose={6000} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
