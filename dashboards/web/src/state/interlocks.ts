// The rows of the cause-and-effect matrix: read when the view is open, and again whenever something has changed.
import { onBeforeUnmount, shallowRef, watch } from "vue";
import { api, type ApiError } from "../api/client.ts";
import type { MatrixRow } from "../api/types.ts";
import { asApiError } from "./actions.ts";
import { lists } from "./session.ts";

const REFRESH = 10_000;
const SETTLE = 500;

export const matrixRows = shallowRef<MatrixRow[] | null>(null);
export const matrixError = shallowRef<ApiError | null>(null);

/** One row as the gateway answered it, in the place of the older one. */
export function tookRow(row: MatrixRow): void {
  matrixRows.value = (matrixRows.value ?? []).map((each) => (each.interlock === row.interlock ? row : each));
}

async function load(): Promise<void> {
  try {
    matrixRows.value = await api.interlocks();
    matrixError.value = null;
  } catch (problem) {
    matrixError.value = asApiError(problem);
  }
}

/** Keep the rows fresh while a component lives. */
export function useMatrix(): void {
  let due: ReturnType<typeof setTimeout> | null = null;
  const soon = () => {
    due ??= setTimeout(() => {
      due = null;
      void load();
    }, SETTLE);
  };
  void load();
  const timer = setInterval(() => void load(), REFRESH);
  watch(lists, soon);
  onBeforeUnmount(() => {
    clearInterval(timer);
    if (due) clearTimeout(due);
  });
}
