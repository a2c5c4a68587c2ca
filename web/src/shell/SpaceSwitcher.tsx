import { Menu } from "@mantine/core";
import { IconCheck, IconPlus, IconSelector } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useActiveSpace, useMe, useUpdateMe } from "../api/session";
import { showFailure } from "../ui/undo";
import classes from "./Shell.module.css";

export function SpaceSwitcher() {
  const { t } = useTranslation();
  const me = useMe();
  const active = useActiveSpace();
  const update = useUpdateMe();
  return (
    <Menu position="bottom-start" width={240}>
      <Menu.Target>
        <button type="button" className={classes.picker} aria-label={t("shell.space", { name: active?.name ?? "" })}>
          <span className={classes.pickerWords}>{active?.name ?? t("shell.noSpace")}</span>
          <IconSelector size={18} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("shell.spaces")}</Menu.Label>
        {me.spaces.map((space) => (
          <Menu.Item
            key={space.id}
            aria-current={space.id === active?.id || undefined}
            rightSection={space.id === active?.id ? <IconCheck size={16} aria-hidden="true" /> : undefined}
            onClick={() => update.mutate({ active_space_id: space.id }, { onError: showFailure })}
          >
            {space.name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component={Link} to="/settings/spaces" leftSection={<IconPlus size={16} aria-hidden="true" />}>
          {t("shell.manageSpaces")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
