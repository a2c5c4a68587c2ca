import { Button, SegmentedControl } from "@mantine/core";
import { useDebouncedCallback, useMediaQuery } from "@mantine/hooks";
import { IconAdjustmentsHorizontal } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { ExportMenu } from "../../listening/ExportMenu";
import { Page } from "../../ui/Page";
import { SearchField } from "../../ui/SearchField";
import { AskAll } from "./AskAll";
import { Conversations } from "./Conversations";
import { FilterRail } from "./FilterRail";
import { addressOf, filtersSet, hallQuery, type LibrarySearch, orders } from "./filters";
import { searchOptionsQuery } from "./hall";
import { Hits } from "./Hits";
import { ImportButton } from "./ImportButton";
import classes from "./Library.module.css";
import { Saved } from "./Saved";

const route = getRouteApi("/inside/library");
const TYPING_MS = 120;

/** Every conversation there is: found by its words, narrowed by what is known of it. */
export function Library() {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState(search.q ?? "");
  const [asked, setAsked] = useState(search.q);
  const [opened, setOpened] = useState(false);
  const wide = useMediaQuery("(min-width: 64em)", true, { getInitialValueInEffect: false });

  const look = (next: LibrarySearch) => {
    setAsked(next.q);
    void navigate({ search: next, replace: true, resetScroll: false });
  };
  const type = useDebouncedCallback((q: string) => {
    const { q: _, ...rest } = search;
    look(q.trim() ? { ...rest, q } : rest);
  }, TYPING_MS);

  // An address that changed by itself, as on the way back or by a saved search, is what is typed.
  if (search.q !== asked) {
    setAsked(search.q);
    setTyped(search.q ?? "");
  }

  const options = useQuery(searchOptionsQuery);
  const count = filtersSet(search);
  const exported = { ...hallQuery(search, space?.id), ...(search.q && { q: search.q }) };
  return (
    <Page wide title={t("rooms.library")} lead={t("library.lead")} action={<ImportButton />}>
      <div className={classes.tools}>
        <div className={classes.field}>
          <SearchField
            label={t("library.search")}
            value={typed}
            onChange={(words) => {
              setTyped(words);
              type(words);
            }}
          />
        </div>
        {!wide && (
          <Button
            variant="default"
            aria-expanded={opened}
            leftSection={<IconAdjustmentsHorizontal size={18} aria-hidden="true" />}
            onClick={() => setOpened(!opened)}
          >
            {count > 0 ? t("library.filtersSet", { count }) : t("library.filters")}
          </Button>
        )}
        <AskAll search={search} />
        <ExportMenu
          quiet
          label={t("library.exportAll")}
          address={(format) => addressOf("/api/search/export", { ...exported, format })}
        />
      </div>
      <Saved search={search} onLook={look} />
      <div className={classes.columns}>
        <div className={classes.results}>
          {search.q && (
            <SegmentedControl
              className={classes.order}
              size="xs"
              aria-label={t("library.order")}
              value={search.order ?? "rank"}
              onChange={(order) => {
                const { order: _, ...rest } = search;
                const chosen = orders.find((one) => one === order);
                look(chosen ? { ...rest, order: chosen } : rest);
              }}
              data={[
                { value: "rank", label: t("library.best") },
                { value: "time", label: t("library.latest") },
                ...(options.data?.meaning ? [{ value: "meaning", label: t("library.byMeaning") }] : []),
              ]}
            />
          )}
          {search.q ? <Hits search={search} /> : <Conversations search={search} />}
        </div>
        {(wide || opened) && <FilterRail search={search} onLook={look} />}
      </div>
    </Page>
  );
}
