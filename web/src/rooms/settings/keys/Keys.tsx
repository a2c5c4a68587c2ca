import { Badge, Button } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/session";
import type { Key } from "../../../api/types";
import { useFormat } from "../../../i18n/format";
import { Confirm } from "../../../ui/Confirm";
import { Empty } from "../../../ui/Empty";
import { List, Row, Tools } from "../../../ui/List";
import { Page } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { SearchField } from "../../../ui/SearchField";
import { RowSkeletons } from "../../../ui/Skeletons";
import { KeyDialog } from "./KeyDialog";
import { keysQuery, useRevokeKey } from "./keys";

export function Keys() {
  const { t } = useTranslation();
  const keys = useQuery(keysQuery);
  const [search, setSearch] = useState("");
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const revoke = useRevokeKey();
  const all = keys.data?.items ?? [];
  const wanted = search.trim().toLowerCase();
  const items = all.filter((key) => `${key.name} ${key.prefix}`.toLowerCase().includes(wanted));
  const create = (
    <Button leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={() => setCreating(true)}>
      {t("keys.create")}
    </Button>
  );
  return (
    <Page title={t("settings.keys")} lead={t("keys.lead")} action={create}>
      {all.length > 0 && (
        <Tools>
          <SearchField label={t("keys.search")} value={search} onChange={setSearch} />
        </Tools>
      )}
      <ProblemNote failure={keys.error} onRetry={() => void keys.refetch()} />
      {keys.isPending && <RowSkeletons />}
      {keys.isSuccess && all.length === 0 && (
        <Empty icon={<IconKey size={28} />} title={t("keys.emptyTitle")} action={create}>
          {t("keys.emptyWords")}
        </Empty>
      )}
      {items.length > 0 && (
        <List label={t("settings.keys")}>
          {items.map((key) => (
            <KeyRow key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
          ))}
        </List>
      )}
      {all.length > 0 && items.length === 0 && <p>{t("search.nothing", { words: search })}</p>}
      <KeyDialog opened={creating} onClose={() => setCreating(false)} />
      <Confirm
        opened={revoking !== null}
        title={t("keys.revokeAsk", { name: revoking?.name ?? "" })}
        verb={t("keys.revoke")}
        busy={revoke.isPending}
        failure={revoke.error}
        onClose={() => {
          setRevoking(null);
          revoke.reset();
        }}
        onConfirm={() => revoking && revoke.mutate(revoking.id, { onSuccess: () => setRevoking(null) })}
      >
        {t("keys.revokeWords")}
      </Confirm>
    </Page>
  );
}

function KeyRow({ apiKey, onRevoke }: { apiKey: Key; onRevoke: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { spaces } = useMe();
  const expired = apiKey.expires_at !== null && Date.parse(apiKey.expires_at) < Date.now();
  const space = spaces.find((one) => one.id === apiKey.space_id);
  return (
    <Row
      quiet={expired}
      name={
        <>
          {apiKey.name}
          <code>{apiKey.prefix}…</code>
          {expired && <Badge color="warn">{t("keys.expired")}</Badge>}
          {space && <Badge color="quiet">{space.name}</Badge>}
        </>
      }
      facts={
        <>
          <span>{apiKey.scopes.join(", ")}</span>
          <span>
            {apiKey.last_used_at ? t("keys.used", { when: format.ago(apiKey.last_used_at) }) : t("keys.neverUsed")}
          </span>
          {apiKey.expires_at && !expired && <span>{t("keys.until", { date: format.date(apiKey.expires_at) })}</span>}
        </>
      }
      side={
        <Button
          size="sm"
          variant="subtle"
          color="quiet"
          aria-label={t("keys.revokeOne", { name: apiKey.name })}
          onClick={onRevoke}
        >
          {t("keys.revoke")}
        </Button>
      }
    />
  );
}
