import { ActionIcon, Button, Checkbox, Modal, TextInput } from "@mantine/core";
import { IconBookmark, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace, useMe } from "../../api/session";
import dialogs from "../../ui/Dialog.module.css";
import { ProblemNote } from "../../ui/ProblemNote";
import { useRemoval } from "../../ui/undo";
import { written } from "../../ui/written";
import { filtersSet, type LibrarySearch } from "./filters";
import classes from "./Library.module.css";
import { savedQuery, searchOf, useRemoveSaved, useSaveSearch } from "./savedSearches";

interface SavedProps {
  search: LibrarySearch;
  onLook: (search: LibrarySearch) => void;
}

/** Searches kept under a name, one's own and those that others share. */
export function Saved({ search, onLook }: SavedProps) {
  const { t } = useTranslation();
  const me = useMe();
  const space = useActiveSpace();
  const saved = useQuery(savedQuery);
  const remove = useRemoveSaved();
  const removal = useRemoval((id) => remove.mutateAsync(id));
  const [naming, setNaming] = useState(false);
  const here = (saved.data?.items ?? []).filter((one) => one.space_id === space?.id && !removal.hidden.has(one.id));
  const asked = Boolean(search.q) || filtersSet(search) > 0;
  if (here.length === 0 && !asked) return null;
  return (
    <div className={classes.saved} role="group" aria-label={t("library.saved.label")}>
      {here.map((one) => (
        <span key={one.id} className={classes.savedOne}>
          <button type="button" onClick={() => onLook(searchOf(one))}>
            {one.name}
          </button>
          {one.user_id === me.user.id && (
            <ActionIcon
              size={22}
              variant="subtle"
              color="quiet"
              aria-label={t("library.saved.remove", { name: one.name })}
              onClick={() => removal.remove(one.id, t("library.saved.removed", { name: one.name }))}
            >
              <IconX size={14} />
            </ActionIcon>
          )}
        </span>
      ))}
      {asked && (
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconBookmark size={16} aria-hidden="true" />}
          onClick={() => setNaming(true)}
        >
          {t("library.saved.save")}
        </Button>
      )}
      {naming && <SaveSearch search={search} spaceId={space?.id} onClose={() => setNaming(false)} />}
    </div>
  );
}

interface SaveSearchProps {
  search: LibrarySearch;
  spaceId: string | undefined;
  onClose: () => void;
}

function SaveSearch({ search, spaceId, onClose }: SaveSearchProps) {
  const { t } = useTranslation();
  const save = useSaveSearch(spaceId);
  const [shared, setShared] = useState(false);
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("library.saved.save")}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      <form
        className={dialogs.stack}
        onSubmit={(event) => {
          const name = written(event)("name").trim();
          if (name) save.mutate({ name, search, shared }, { onSuccess: onClose });
        }}
      >
        <TextInput
          required
          name="name"
          label={t("library.saved.name")}
          defaultValue={search.q ?? ""}
          maxLength={200}
          data-autofocus
        />
        <Checkbox
          label={t("library.saved.share")}
          checked={shared}
          onChange={(event) => setShared(event.currentTarget.checked)}
        />
        <ProblemNote failure={save.error} />
        <div className={dialogs.buttons}>
          <Button variant="default" onClick={onClose}>
            {t("actions.cancel")}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {t("actions.save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
