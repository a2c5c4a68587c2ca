import { IconMicrophone } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDebouncedValue } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { Empty } from "../../ui/Empty";
import { List, Tools } from "../../ui/List";
import { Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { SearchField } from "../../ui/SearchField";
import { RowSkeletons } from "../../ui/Skeletons";
import { ConversationRow } from "../library/Conversations";
import type { LibrarySearch } from "../library/filters";
import { conversationsQuery } from "../library/hall";
import { Hits } from "../library/Hits";
import { More } from "../library/More";

const LIVE: LibrarySearch = { kind: ["live"] };
const TYPED_MS = 200;

/** What was said here before, to be searched and opened. */
export function History() {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const list = useInfiniteQuery(conversationsQuery(LIVE, space?.id));
  const [search, setSearch] = useState("");
  const [asked] = useDebouncedValue(search.trim(), TYPED_MS);
  const all = (list.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <Section title={t("live.earlier")}>
      {all.length > 0 && (
        <Tools>
          <SearchField label={t("live.search")} value={search} onChange={setSearch} />
        </Tools>
      )}
      <ProblemNote failure={list.error} onRetry={() => void list.refetch()} />
      {list.isPending && <RowSkeletons />}
      {list.isSuccess && all.length === 0 && (
        <Empty icon={<IconMicrophone size={28} />} title={t("live.emptyTitle")}>
          {t("live.emptyWords")}
        </Empty>
      )}
      {asked && <Hits search={{ ...LIVE, q: asked }} />}
      {!asked && all.length > 0 && (
        <List label={t("live.earlier")}>
          {all.map((one) => (
            <ConversationRow key={one.id} transcript={one} />
          ))}
        </List>
      )}
      {!asked && <More query={list} />}
    </Section>
  );
}
