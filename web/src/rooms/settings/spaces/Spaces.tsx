import { Badge, Button, Modal, TextInput } from "@mantine/core";
import { IconPlus, IconUsersGroup } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace, useUpdateMe } from "../../../api/session";
import type { Space } from "../../../api/types";
import dialog from "../../../ui/Dialog.module.css";
import { Empty } from "../../../ui/Empty";
import { List, Row, Tools } from "../../../ui/List";
import { Page } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { SearchField } from "../../../ui/SearchField";
import { RowSkeletons } from "../../../ui/Skeletons";
import { showFailure } from "../../../ui/undo";
import { written } from "../../../ui/written";
import { createSpace, renameSpace, spacesQuery, useSpaceChange } from "./spaces";

const SEARCH_FROM = 6;

export function Spaces() {
  const { t } = useTranslation();
  const spaces = useQuery(spacesQuery);
  const [search, setSearch] = useState("");
  const [creating, setCreating] = useState(false);
  const [renaming, setRenaming] = useState<Space | null>(null);
  const all = spaces.data?.items ?? [];
  const items = all.filter((space) => space.name.toLowerCase().includes(search.trim().toLowerCase()));
  const create = (
    <Button leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={() => setCreating(true)}>
      {t("spaces.create")}
    </Button>
  );
  return (
    <Page title={t("settings.spaces")} lead={t("spaces.lead")} action={create}>
      {all.length >= SEARCH_FROM && (
        <Tools>
          <SearchField label={t("spaces.search")} value={search} onChange={setSearch} />
        </Tools>
      )}
      <ProblemNote failure={spaces.error} onRetry={() => void spaces.refetch()} />
      {spaces.isPending && <RowSkeletons />}
      {spaces.isSuccess && all.length === 0 && (
        <Empty icon={<IconUsersGroup size={28} />} title={t("spaces.emptyTitle")} action={create}>
          {t("spaces.emptyWords")}
        </Empty>
      )}
      {items.length > 0 && (
        <List label={t("settings.spaces")}>
          {items.map((space) => (
            <SpaceRow key={space.id} space={space} onRename={() => setRenaming(space)} />
          ))}
        </List>
      )}
      <NameDialog
        key={renaming?.id ?? "new"}
        space={renaming}
        opened={creating || renaming !== null}
        onClose={() => {
          setCreating(false);
          setRenaming(null);
        }}
      />
    </Page>
  );
}

function SpaceRow({ space, onRename }: { space: Space; onRename: () => void }) {
  const { t } = useTranslation();
  const active = useActiveSpace();
  const update = useUpdateMe();
  const here = space.id === active?.id;
  return (
    <Row
      name={
        <>
          <Link to="/settings/spaces/$id" params={{ id: space.id }}>
            {space.name}
          </Link>
          {here && <Badge color="good">{t("spaces.active")}</Badge>}
        </>
      }
      facts={t("spaces.yourRole", { role: t(`roles.${space.role}`) })}
      side={
        <>
          {!here && (
            <Button
              size="sm"
              variant="subtle"
              onClick={() => update.mutate({ active_space_id: space.id }, { onError: showFailure })}
            >
              {t("spaces.switch")}
            </Button>
          )}
          {space.role !== "MEMBER" && (
            <Button size="sm" variant="subtle" color="quiet" onClick={onRename}>
              {t("actions.rename")}
            </Button>
          )}
          <Button component={Link} to={`/settings/spaces/${space.id}`} size="sm" variant="default">
            {t("spaces.members")}
          </Button>
        </>
      }
    />
  );
}

interface NameDialogProps {
  space: Space | null;
  opened: boolean;
  onClose: () => void;
}

export function NameDialog({ space, opened, onClose }: NameDialogProps) {
  const { t } = useTranslation();
  const naming = useSpaceChange((name: string) => (space ? renameSpace({ id: space.id, name }) : createSpace(name)));
  const close = () => {
    onClose();
    naming.reset();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const name = written(event)("name").trim();
    naming.mutate(name, { onSuccess: close });
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={space ? t("spaces.renameTitle", { name: space.name }) : t("spaces.create")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      <form className={dialog.stack} onSubmit={submit}>
        <TextInput
          name="name"
          label={t("spaces.name")}
          defaultValue={space?.name ?? ""}
          required
          maxLength={120}
          data-autofocus
        />
        <ProblemNote failure={naming.error} />
        <div className={dialog.buttons}>
          <Button variant="default" onClick={close}>
            {t("actions.cancel")}
          </Button>
          <Button type="submit" loading={naming.isPending}>
            {space ? t("actions.save") : t("spaces.create")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
