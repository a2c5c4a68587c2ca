import { Button, TextInput } from "@mantine/core";
import { IconArrowLeft, IconUserPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Space } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { Tools } from "../../../ui/List";
import { Page, Section } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { SearchField } from "../../../ui/SearchField";
import { RowSkeletons } from "../../../ui/Skeletons";
import forms from "../Form.module.css";
import { InviteDialog } from "./InviteDialog";
import { Members, PendingInvitations } from "./Members";
import { NameDialog } from "./Spaces";
import { deleteSpace, spacesQuery, useSpaceChange } from "./spaces";

const route = getRouteApi("/inside/settings/spaces/$id");

export function SpaceDetail() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const spaces = useQuery(spacesQuery);
  const space = spaces.data?.items.find((one) => one.id === id);
  const back = (
    <Link to="/settings/spaces" className={forms.back}>
      <IconArrowLeft size={18} aria-hidden="true" />
      {t("settings.spaces")}
    </Link>
  );
  if (space) return <Inside space={space} back={back} />;
  return (
    <Page title={t("settings.spaces")} above={back}>
      <ProblemNote failure={spaces.error} onRetry={() => void spaces.refetch()} />
      {spaces.isPending ? <RowSkeletons /> : <p>{t("spaces.unknown")}</p>}
    </Page>
  );
}

function Inside({ space, back }: { space: Space; back: ReactNode }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [inviting, setInviting] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const manages = space.role !== "MEMBER";
  return (
    <Page
      title={space.name}
      lead={t("spaces.detailLead")}
      above={back}
      action={
        manages && (
          <Button leftSection={<IconUserPlus size={18} aria-hidden="true" />} onClick={() => setInviting(true)}>
            {t("people.invite")}
          </Button>
        )
      }
    >
      <Tools>
        <SearchField label={t("people.search")} value={search} onChange={setSearch} />
        {manages && (
          <Button variant="default" onClick={() => setRenaming(true)}>
            {t("actions.rename")}
          </Button>
        )}
      </Tools>
      <Members space={space} search={search} />
      {manages && <PendingInvitations space={space} />}
      {space.role === "OWNER" && <Deletion space={space} />}
      <InviteDialog space={space} opened={inviting} onClose={() => setInviting(false)} />
      <NameDialog space={space} opened={renaming} onClose={() => setRenaming(false)} />
    </Page>
  );
}

function Deletion({ space }: { space: Space }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const deleting = useSpaceChange(deleteSpace);
  return (
    <Section title={t("spaces.deleteTitle")} lead={t("spaces.deleteLead")}>
      <div>
        <Button variant="outline" color="bad" onClick={() => setAsking(true)}>
          {t("spaces.delete")}
        </Button>
      </div>
      <Confirm
        opened={asking}
        title={t("spaces.deleteAsk", { name: space.name })}
        verb={t("spaces.deleteForGood")}
        busy={deleting.isPending}
        failure={deleting.error}
        blocked={typed.trim() !== space.name}
        onClose={() => {
          setAsking(false);
          setTyped("");
          deleting.reset();
        }}
        onConfirm={() => deleting.mutate(space.id, { onSuccess: () => void navigate({ to: "/settings/spaces" }) })}
      >
        <p>{t("spaces.deleteWords")}</p>
        <TextInput
          label={t("spaces.typeName", { name: space.name })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
        />
      </Confirm>
    </Section>
  );
}
