// Exports of raw samples: they run in the gateway, whatever page is open, and are asked after while any is under way.
import { computed, shallowRef } from "vue";
import { api, type ApiError } from "../api/client.ts";
import type { ExportRequest, ExportView } from "../api/types.ts";
import { asApiError } from "./actions.ts";
import { lost } from "./session.ts";

const ASK_EVERY = 700;

/** Newest first; null before the gateway was first asked. */
export const exports = shallowRef<readonly ExportView[] | null>(null);
export const exportError = shallowRef<ApiError | null>(null);
export const exporting = computed(() => exports.value?.some((each) => each.state === "running") ?? false);

let timer: ReturnType<typeof setTimeout> | null = null;
let watchers = 0;

async function ask(): Promise<void> {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  try {
    if (!lost.value) exports.value = (await api.exports()).toReversed();
  } catch (problem) {
    exportError.value = asApiError(problem);
  }
  if (watchers > 0 && (exporting.value || lost.value)) timer = setTimeout(() => void ask(), ASK_EVERY);
}

async function change(work: () => Promise<unknown>): Promise<void> {
  exportError.value = null;
  try {
    await work();
  } catch (problem) {
    exportError.value = asApiError(problem);
    return;
  }
  await ask();
}

export const beginExport = (wish: ExportRequest) => change(() => api.beginExport(wish));
export const cancelExport = (id: string) => change(() => api.cancelExport(id));

/** Keep the list fresh from now on; call what it returns when nobody looks any more. */
export function watchExports(): () => void {
  watchers += 1;
  exportError.value = null;
  void ask();
  return () => {
    watchers -= 1;
  };
}
