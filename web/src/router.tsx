import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouterHistory,
  redirect,
} from "@tanstack/react-router";
import { meQuery } from "./api/session";
import { costsSearch } from "./rooms/costs/usage";
import { conversationSearch, librarySearch } from "./rooms/library/filters";
import { turnsSearch } from "./rooms/turns/turns";
import { Failed, NotFound } from "./shell/Failed";
import { Shell } from "./shell/Shell";
import { PageSkeleton } from "./ui/Skeletons";

interface Context {
  queryClient: QueryClient;
}

interface EntrySearch {
  /** Where the person was going before signing in. */
  next?: string;
  /** The one-time link that makes the first account. */
  link?: string;
  /** Why the single sign-on provider led back without a session. */
  error?: string;
}

const word = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

/** Only a path of this page, so that a crafted link cannot lead elsewhere after signing in. */
export function safeNext(value: unknown): string | undefined {
  const path = word(value);
  return path?.startsWith("/") && !/^\/[/\\]/.test(path) ? path : undefined;
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: Failed,
  notFoundComponent: NotFound,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): EntrySearch => {
    const next = safeNext(search.next);
    const link = word(search.link);
    const error = word(search.error);
    return { ...(next && { next }), ...(link && { link }), ...(error && { error }) };
  },
  beforeLoad: async ({ context, search }) => {
    if (search.link) return;
    const me = await context.queryClient.ensureQueryData(meQuery);
    if (me) throw redirect({ to: search.next ?? "/", replace: true });
  },
  component: lazyRouteComponent(() => import("./rooms/entry/SignIn"), "SignIn"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitations/$token",
  component: lazyRouteComponent(() => import("./rooms/entry/AcceptInvitation"), "AcceptInvitation"),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  validateSearch: (search: Record<string, unknown>): Pick<EntrySearch, "link"> => {
    const link = word(search.link);
    return link ? { link } : {};
  },
  beforeLoad: async ({ context, search, location }) => {
    if (search.link) throw redirect({ to: "/sign-in", search: { link: search.link }, replace: true });
    const me = await context.queryClient.ensureQueryData(meQuery);
    if (!me) {
      const next = location.href === "/" ? {} : { next: location.href };
      throw redirect({ to: "/sign-in", search: next, replace: true });
    }
  },
  component: Shell,
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: lazyRouteComponent(() => import("./rooms/home/Home"), "Home"),
});

const transcribe = createRoute({
  getParentRoute: () => inside,
  path: "/transcribe",
  component: lazyRouteComponent(() => import("./rooms/transcribe/Transcribe"), "Transcribe"),
});

const transcription = createRoute({
  getParentRoute: () => inside,
  path: "/transcribe/$id",
  component: lazyRouteComponent(() => import("./rooms/transcribe/Reading"), "Reading"),
});

const live = createRoute({
  getParentRoute: () => inside,
  path: "/live",
  component: lazyRouteComponent(() => import("./rooms/live/Live"), "Live"),
});

/** On a screen of its own, and for guests too: who may look is the socket's affair. */
const captions = createRoute({
  getParentRoute: () => root,
  path: "/captions/$id",
  component: lazyRouteComponent(() => import("./rooms/live/CaptionsRoom"), "CaptionsRoom"),
});

const talk = createRoute({
  getParentRoute: () => inside,
  path: "/talk",
  component: lazyRouteComponent(() => import("./rooms/talk/Talk"), "Talk"),
});

const turns = createRoute({
  getParentRoute: () => inside,
  path: "/turns",
  validateSearch: turnsSearch,
  component: lazyRouteComponent(() => import("./rooms/turns/Turns"), "Turns"),
});

const library = createRoute({
  getParentRoute: () => inside,
  path: "/library",
  validateSearch: librarySearch,
  component: lazyRouteComponent(() => import("./rooms/library/Library"), "Library"),
});

const conversation = createRoute({
  getParentRoute: () => inside,
  path: "/library/$id",
  validateSearch: conversationSearch,
  component: lazyRouteComponent(() => import("./rooms/library/Conversation"), "Conversation"),
});

const costs = createRoute({
  getParentRoute: () => inside,
  path: "/costs",
  validateSearch: costsSearch,
  component: lazyRouteComponent(() => import("./rooms/costs/Costs"), "Costs"),
});

const status = createRoute({
  getParentRoute: () => inside,
  path: "/status",
  component: lazyRouteComponent(() => import("./rooms/status/Status"), "Status"),
});

const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  component: lazyRouteComponent(() => import("./rooms/settings/Settings"), "Settings"),
});

const settingsHome = createRoute({
  getParentRoute: () => settings,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/settings/me", replace: true });
  },
});

const settingsMe = createRoute({
  getParentRoute: () => settings,
  path: "/me",
  component: lazyRouteComponent(() => import("./rooms/settings/me/Me"), "Me"),
});

const settingsPeople = createRoute({
  getParentRoute: () => settings,
  path: "/people",
  component: lazyRouteComponent(() => import("./rooms/settings/people/People"), "People"),
});

const settingsSpaces = createRoute({
  getParentRoute: () => settings,
  path: "/spaces",
  component: lazyRouteComponent(() => import("./rooms/settings/spaces/Spaces"), "Spaces"),
});

const settingsSpace = createRoute({
  getParentRoute: () => settings,
  path: "/spaces/$id",
  component: lazyRouteComponent(() => import("./rooms/settings/spaces/SpaceDetail"), "SpaceDetail"),
});

const settingsKeys = createRoute({
  getParentRoute: () => settings,
  path: "/keys",
  component: lazyRouteComponent(() => import("./rooms/settings/keys/Keys"), "Keys"),
});

const settingsWebhooks = createRoute({
  getParentRoute: () => settings,
  path: "/webhooks",
  component: lazyRouteComponent(() => import("./rooms/settings/webhooks/Webhooks"), "Webhooks"),
});

const settingsWebhook = createRoute({
  getParentRoute: () => settings,
  path: "/webhooks/$id",
  component: lazyRouteComponent(() => import("./rooms/settings/webhooks/Deliveries"), "Deliveries"),
});

const settingsBots = createRoute({
  getParentRoute: () => settings,
  path: "/bots",
  component: lazyRouteComponent(() => import("./rooms/bots/Bots"), "Bots"),
});

const settingsNewBot = createRoute({
  getParentRoute: () => settings,
  path: "/bots/new",
  validateSearch: (search: Record<string, unknown>): { copy?: string } => {
    const copy = word(search.copy);
    return copy ? { copy } : {};
  },
  component: lazyRouteComponent(() => import("./rooms/bots/BotEditor"), "NewBot"),
});

const settingsBot = createRoute({
  getParentRoute: () => settings,
  path: "/bots/$id",
  component: lazyRouteComponent(() => import("./rooms/bots/BotEditor"), "EditBot"),
});

const tree = root.addChildren([
  signIn,
  invitation,
  captions,
  inside.addChildren([
    home,
    transcribe,
    transcription,
    live,
    talk,
    turns,
    library,
    conversation,
    costs,
    status,
    settings.addChildren([
      settingsHome,
      settingsMe,
      settingsPeople,
      settingsSpaces,
      settingsSpace,
      settingsKeys,
      settingsWebhooks,
      settingsWebhook,
      settingsBots,
      settingsNewBot,
      settingsBot,
    ]),
  ]),
]);

export function makeRouter(queryClient: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    ...(history && { history }),
    defaultPreload: "intent",
    defaultPendingComponent: PageSkeleton,
    defaultPendingMs: 150,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
