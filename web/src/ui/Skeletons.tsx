import { Skeleton } from "@mantine/core";
import classes from "./Skeletons.module.css";

/** Rows of the size of what is coming, for the first second of a list. */
export function RowSkeletons({ rows = 3, height = 64 }: { rows?: number; height?: number }) {
  return (
    <div className={classes.rows} aria-hidden="true">
      {Array.from({ length: rows }, (_, row) => row).map((row) => (
        <Skeleton key={row} height={height} />
      ))}
    </div>
  );
}

export function PageSkeleton() {
  return (
    <div className={classes.page} aria-hidden="true">
      <Skeleton height={36} width="40%" />
      <Skeleton height={20} width="70%" />
      <RowSkeletons rows={4} />
    </div>
  );
}
